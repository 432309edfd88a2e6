#include "base/log_text.hpp"
#include "jobs/value_path.hpp"

#include <tranter/job.hpp>

#include <fmt/format.h>

#include <charconv>

namespace tranter {

namespace {

constexpr std::string_view at_least_begin = "at_least(";

/// The K of `at_least(K)`; 0: it is no such text.
std::uint32_t runs_in(std::string_view text) {
    if (!text.starts_with(at_least_begin) || !text.ends_with(')')) return 0;
    text.remove_prefix(at_least_begin.size());
    text.remove_suffix(1);
    std::uint32_t runs = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, runs);
    return read.ec == std::errc() && read.ptr == end && runs <= runs_max ? runs : 0;
}

}  // namespace

std::string SuccessPolicy::to_text() const {
    if (*this == all()) return "all";
    if (*this == any()) return "any";
    return fmt::format("{}{})", at_least_begin, runs_needed);
}

Result<SuccessPolicy> SuccessPolicy::from_text(std::string_view text) {
    if (text == "all") return all();
    if (text == "any") return any();
    if (const std::uint32_t runs = runs_in(text); runs > 0) return at_least(runs);
    constexpr std::size_t shown_bytes_max = 64;
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "is \"{}\", expected all, any or at_least(K) with 1 to {} runs",
            one_line(jobs::shortened(text, shown_bytes_max)),
            runs_max
        )
    );
}

}  // namespace tranter
