#include "postgres_jobs/poll_interval.hpp"

#include "base/log_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace tranter::postgres_jobs {

Result<std::chrono::milliseconds> parse_poll_interval(std::optional<std::string_view> text) {
    if (!text || text->empty()) return poll_interval_default;
    constexpr std::int64_t shortest = 10;
    constexpr std::int64_t longest = 86'400'000;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text->begin(), text->end(), value);
    if (error == std::errc() && end == text->end() && value >= shortest && value <= longest) {
        return std::chrono::milliseconds(value);
    }
    constexpr std::size_t shown_max = 32;
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "WORKER_POLL_INTERVAL_MS is \"{}\", must be milliseconds from {} to {}",
            one_line(text->substr(0, shown_max)),
            shortest,
            longest
        )
    );
}

Result<std::chrono::milliseconds> poll_interval_from_environment() {
    const char* text = std::getenv("WORKER_POLL_INTERVAL_MS");
    if (text == nullptr) return poll_interval_default;
    return parse_poll_interval(text);
}

}  // namespace tranter::postgres_jobs
