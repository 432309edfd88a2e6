#include "schedule/cron_lint.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tranter::schedule {
namespace {

struct Turning {
    std::size_t word;
    std::string_view name;
    int size;
    std::string_view turn;  // in which it begins anew
};
constexpr std::array<Turning, 3> turning_fields{{
    {0, "second", 60, "minute"},
    {1, "minute", 60, "hour"},
    {2, "hour", 24, "day"},
}};

bool is_one_value(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

/// n of `*/n`.
std::optional<int> find_step(std::string_view text) {
    if (!text.starts_with("*/")) return std::nullopt;
    int step = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), step);
    if (error != std::errc{} || end != text.data() + text.size() || step <= 0) return std::nullopt;
    return step;
}

/// `* 9 * * *` fires sixty times.
std::optional<std::string> find_star_before_one_value(std::span<const Word> words) {
    for (std::size_t i = 0; i < 2; ++i) {
        if (words[i].text != "*" || !is_one_value(words[i + 1].text)) continue;
        const Turning& field = turning_fields.at(i);
        return std::string(field.name) + ": * is every " + std::string(field.name) + " of " +
               std::string(field.turn) + " " + std::string(words[i + 1].text) +
               "; write 0 for once";
    }
    return std::nullopt;
}

std::optional<std::string> find_uneven_step(const Turning& field, std::string_view text) {
    const auto step = find_step(text);
    if (!step || *step >= field.size || field.size % *step == 0) return std::nullopt;
    const int last = (field.size - 1) / *step * *step;
    return std::string(field.name) + ": the steps begin anew every " + std::string(field.turn) +
           ", so that " + std::to_string(last) + " is followed by 0; for real time use \"every " +
           std::to_string(*step) + " " + std::string(field.name) + "s\"";
}

std::optional<std::string> find_either_day(std::string_view weekday, const CronFields& fields) {
    if (fields.any_day || fields.any_weekday || fields.both_days) return std::nullopt;
    return "day-of-week: a day of the month and one of the week are given, and either is enough; "
           "write +" +
           std::string(weekday) + " to ask for both";
}

/// The first day of those that are given is not in all months that are given.
std::optional<std::string> find_rare_day(const CronFields& fields) {
    const bool by_month =
        fields.days_before_last != 0 || fields.last_working_day || fields.nearest_working != 0;
    if (by_month || fields.any_day || !fields.any_weekday || fields.days == 0) return std::nullopt;
    const int day = std::countr_zero(fields.days);
    constexpr std::uint32_t february = 1U << 2;
    constexpr std::uint32_t short_months = february | 1U << 4 | 1U << 6 | 1U << 9 | 1U << 11;
    const std::uint32_t without = day > 30 ? short_months : day > 28 ? february : 0;
    if ((fields.months & without) == 0 || (fields.months & ~without) == 0) return std::nullopt;
    return "day-of-month: day " + std::to_string(day) +
           " is not in every month; L is the last day of each";
}

}  // namespace

std::vector<std::string> find_cron_lint(std::span<const Word> words, const CronFields& fields) {
    std::vector<std::string> lint;
    const auto add = [&](std::optional<std::string> found) {
        if (found) lint.push_back(std::move(*found));
    };
    add(find_star_before_one_value(words));
    for (const Turning& field : turning_fields)
        add(find_uneven_step(field, words[field.word].text));
    add(find_rare_day(fields));
    add(find_either_day(words[5].text, fields));
    return lint;
}

}  // namespace tranter::schedule
