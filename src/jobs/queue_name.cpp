#include "jobs/queue_name.hpp"

#include "base/log_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::jobs {

Result<> check_queue_name(std::string_view name) {
    const bool dead = name.ends_with(dead_suffix);
    const std::size_t bytes_max = queue_name_bytes_max - (dead ? 0 : dead_suffix.size());
    const bool letters = std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    if (letters && !name.empty() && name.size() <= bytes_max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "queue name is \"{}\", it must be 1 to {} letters, digits, - and _",
            one_line(name.substr(0, queue_name_bytes_max)),
            bytes_max
        )
    );
}

}  // namespace tranter::jobs
