// Static asserts that have to hold with every compiler that a user may have.
#include <tranter/job_type.hpp>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace {

struct Empty {};

struct Inner {
    int one;
    int two = 2;
};

template <class T>
struct Box {
    T content{};
    int count_of_2 = 0;
};

struct Widest {
    std::string a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16;
    std::string b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, last;
};

struct Tree {
    int value = 0;
    std::vector<Tree> children{};
};

enum class Color : std::uint8_t { red, green, blue = 127, far = 128 };
enum class Switch : bool { off, on };
enum Fixed : int { below = -1, zero, one };
enum Loose { loose };
enum class UserId : std::uint64_t {};

struct Job {
    Inner inner{};
    std::optional<std::string> note{};
    std::array<int, 3> triple{};
    std::vector<Inner> list = {{1, 2}};
    std::map<std::string, Inner> map{};
    Color color = Color::green;
    static constexpr std::string_view kind = "test.job";
    static constexpr int version = 2;
    static constexpr tranter::JobDefaults defaults{
        .queue = "mail", .retry = {.max_attempts = 8}, .priority = 2};
    static constexpr auto unique = std::tuple{&Job::note, "color"};
};

using tranter::enum_names;
using tranter::field_count;
using tranter::field_names;

static_assert(field_count<Empty>() == 0);
static_assert(field_count<Inner>() == 2);
static_assert(field_count<Widest>() == 32);
static_assert(field_count<Job>() == 6 && Job::version == 2);
static_assert(field_names<Widest>[0] == "a1" && field_names<Widest>[31] == "last");
static_assert(field_names<Job>[0] == "inner" && field_names<Job>[5] == "color");
static_assert(
    field_names<Box<Inner>>[0] == "content" && field_names<Box<Inner>>[1] == "count_of_2"
);
static_assert(field_names<Tree>[1] == "children");

static_assert(enum_names<Color>().size() == 3);
static_assert(enum_names<Color>()[2].name == "blue" && enum_names<Color>()[2].value == 127);
static_assert(enum_names<Switch>().size() == 2 && enum_names<Switch>()[1].name == "on");
static_assert(enum_names<Fixed>().size() == 2 && enum_names<Fixed>()[0].name == "zero");
static_assert(enum_names<UserId>().empty());
static_assert(!tranter::FixedEnum<Loose>);

constexpr int sum_of_fields(Inner inner) {
    return tranter::with_fields(inner, [](auto&... field) { return (field + ...); });
}
static_assert(sum_of_fields({.one = 1, .two = 5}) == 6);

static_assert(tranter::Job<Job> && !tranter::Job<Inner>);
static_assert(tranter::job_kind<Job>() == "test.job");
static_assert(tranter::job_defaults<Job>().queue == "mail");
static_assert(tranter::job_defaults<Job>().retry.max_attempts == 8);
static_assert(tranter::JobDefaults{.queue = "a"}.problem().empty());

template <class T>
constexpr bool goes_both_ways =
    tranter::detail::is_payload_type<T, tranter::detail::Direction::write>() &&
    tranter::detail::is_payload_type<T, tranter::detail::Direction::read>();
static_assert(goes_both_ways<std::unordered_map<int, std::list<std::optional<Job>>>>);
static_assert(goes_both_ways<std::tuple<std::pair<bool, float>, tranter::Json>>);
static_assert(goes_both_ways<std::chrono::sys_days> && goes_both_ways<std::vector<std::byte>>);
static_assert(!goes_both_ways<std::string_view> && !goes_both_ways<const char*>);
static_assert(!goes_both_ways<const int> && !goes_both_ways<std::byte>);
static_assert(!goes_both_ways<char> && !goes_both_ways<long double> && !goes_both_ways<Loose>);
static_assert(!goes_both_ways<std::optional<std::optional<int>>>);
static_assert(!goes_both_ways<std::multimap<std::string, int>> && !goes_both_ways<int*>);
static_assert(!goes_both_ways<std::chrono::duration<double>> && !goes_both_ways<int[3]>);

// Local types have names too, and everything above can be written and read.
[[maybe_unused]] void use_everything() {
    struct Local {
        int only_field = 0;
    };
    static_assert(field_names<Local>[0] == "only_field");
    (void)tranter::from_json<Job>("{}");
    (void)tranter::from_json<Tree>("{}");
    (void)tranter::from_json<std::vector<bool>>("[true]");
    (void)tranter::to_json(std::vector<bool>{true});
    (void)tranter::to_json(Widest{});
    (void)tranter::to_json(std::tuple{Local{}, Switch::on, Fixed::one, UserId{}, Empty{}});
    (void)tranter::unique_key(Job{});
}

}  // namespace
