// Each macro is one mistake, and CMakeLists.txt says which sentence has to answer it.
#include <tranter/registry.hpp>

#include <cstddef>
#include <string>
#include <tuple>

namespace {

#if defined(WRONG_KIND)
struct Wrong {
    int id = 0;
};
constexpr auto kind = tranter::job_kind<Wrong>();

#elif defined(WRONG_WRITTEN)
struct Wrong {
    int* pointer = nullptr;
};
auto text = tranter::to_json(Wrong{});

#elif defined(WRONG_READ)
struct Wrong {
    std::string_view view{};
};
auto value = tranter::from_json<Wrong>("{}");

#elif defined(WRONG_UNIQUE)
struct Wrong {
    int id = 0;
    static constexpr std::string_view kind = "wrong";
    static constexpr auto unique = std::tuple{"user_id"};
};
auto key = tranter::unique_key(Wrong{});

#elif defined(WRONG_DEFAULTS)
struct Wrong {
    int id = 0;
    static constexpr std::string_view kind = "wrong";
    static constexpr tranter::JobDefaults defaults{.retry = {.max_attempts = 0}};
};
constexpr auto defaults = tranter::job_defaults<Wrong>();

#elif defined(WRONG_BASE)
struct Base {
    int id = 0;
};
struct Wrong : Base {};
constexpr std::size_t count = tranter::field_count<Wrong>();

#elif defined(WRONG_PRIVATE)
class Wrong {
    int id_ = 0;
};
constexpr std::size_t count = tranter::field_count<Wrong>();

#elif defined(WRONG_MANY)
struct Wrong {
    char a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z;
    char aa, bb, cc, dd, ee, ff, gg;
};
constexpr std::size_t count = tranter::field_count<Wrong>();

#elif defined(WRONG_HANDLER)
struct Wrong {
    int id = 0;
    static constexpr std::string_view kind = "wrong";
};
void register_it(tranter::Registry& handlers) {
    handlers.on<Wrong>([](int) {});
}

#elif defined(WRONG_RESULT)
void register_it(tranter::Registry& handlers) {
    handlers.on("wrong", [](tranter::Context&) -> int* { return nullptr; });
}

#elif defined(WRONG_FORMAT)
void log_it(tranter::Context& context) {
    context.log("{} of {}", 1);
}

#elif defined(WRONG_BRACE)
void log_it(tranter::Context& context) {
    context.log("{} {0}", 1);
}
#endif

}  // namespace
