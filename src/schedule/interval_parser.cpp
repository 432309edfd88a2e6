#include "base/suggest.hpp"
#include "jobs/time_text.hpp"
#include "schedule/expression_text.hpp"
#include "schedule/interval.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

namespace tranter::schedule {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr milliseconds period_max = hours(24 * 3660);

struct UnitName {
    std::string_view name;
    milliseconds length;
};
constexpr std::array<UnitName, 6> unit_words{{
    {"ms", milliseconds(1)},
    {"second", std::chrono::seconds(1)},
    {"minute", minutes(1)},
    {"hour", hours(1)},
    {"day", hours(24)},
    {"week", hours(168)},
}};
constexpr std::array<UnitName, 6> unit_letters{{
    {"ms", milliseconds(1)},
    {"s", std::chrono::seconds(1)},
    {"m", minutes(1)},
    {"h", hours(1)},
    {"d", hours(24)},
    {"w", hours(168)},
}};

std::unexpected<Error> wrong(const std::string& why) {
    return fail(Errc::invalid_argument, "the interval " + why);
}

std::string quoted(std::string_view text) {
    return "\"" + std::string(text.substr(0, 40)) + "\"";
}

/// Takes digits off the front.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || !is_digit(text.front()) || value > 1'000'000'000'000) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::optional<milliseconds> times(std::int64_t count, milliseconds unit) {
    if (count > period_max / unit) return std::nullopt;
    return count * unit;
}

/// "1h30m", in this order or any other, each unit once.
Result<milliseconds> read_compound(std::string_view text) {
    const std::string whole = quoted(text);
    milliseconds sum{};
    std::uint32_t seen = 0;
    while (!text.empty()) {
        const auto count = take_number(text);
        const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
        const std::string_view name = text.substr(0, letters);
        const auto unit = std::ranges::find(unit_letters, name, &UnitName::name);
        if (!count || unit == unit_letters.end()) {
            return wrong("has " + whole + " for a period, write it like 90s, 30m or 1h30m");
        }
        const auto which = static_cast<unsigned>(unit - unit_letters.begin());
        if ((seen >> which & 1U) != 0) {
            return wrong("has the unit " + std::string(name) + " twice in " + whole);
        }
        seen |= 1U << which;
        const auto part = times(*count, unit->length);
        if (!part) return wrong("is longer than ten years: " + whole);
        sum += *part;
        text.remove_prefix(letters);
    }
    return sum;
}

/// P1DT12H30M and P2W: the parts of ISO 8601 that have a fixed length.
Result<milliseconds> read_iso(std::string_view text) {
    const std::string whole = quoted(text);
    const auto bad = [&] {
        return wrong(
            "has " + whole +
            ", which is no duration of ISO 8601 with days, hours, minutes and "
            "seconds, such as PT30M or P1DT12H"
        );
    };
    text.remove_prefix(1);
    milliseconds sum{};
    bool time = false;
    std::string_view order = "WDTHMS";  // each once, in this order
    if (text.empty()) return bad();
    while (!text.empty()) {
        if (text.front() == 'T' && !time) {
            time = true;
            text.remove_prefix(1);
            order = "HMS";
            if (text.empty()) return bad();
            continue;
        }
        const auto count = take_number(text);
        if (!count || text.empty()) return bad();
        const char unit = text.front();
        text.remove_prefix(1);
        if (unit == 'Y' || (unit == 'M' && !time)) {
            return wrong(
                "has " + whole +
                ", but years and months have no fixed length; use a cron expression"
            );
        }
        const std::size_t at = order.find(unit);
        if (at == std::string_view::npos || (!time && at > 1)) return bad();
        order.remove_prefix(at + 1);
        const milliseconds length = unit == 'W'   ? hours(168)
                                    : unit == 'D' ? hours(24)
                                    : unit == 'H' ? hours(1)
                                    : unit == 'M' ? milliseconds(minutes(1))
                                                  : milliseconds(std::chrono::seconds(1));
        const auto part = times(*count, length);
        if (!part) return wrong("is longer than ten years: " + whole);
        sum += *part;
    }
    return sum;
}

Result<milliseconds> unit_length(std::string_view word) {
    std::string_view singular = word;
    if (singular.size() > 2 && singular.ends_with('s')) singular.remove_suffix(1);
    for (const auto& table : {unit_words, unit_letters}) {
        const auto found = std::ranges::find(table, singular, &UnitName::name);
        if (found != table.end()) return found->length;
    }
    static constexpr std::array<std::string_view, 6> names{
        "ms", "seconds", "minutes", "hours", "days", "weeks"};
    if (singular == "month" || singular == "year") {
        return wrong(
            "counts in " + std::string(word) + ", which have no fixed length; use a cron expression"
        );
    }
    return wrong(
        "has the unit " + quoted(word) + did_you_mean(word, names) +
        "; there are ms, seconds, minutes, hours, days and weeks"
    );
}

using Words = std::vector<std::string_view>;

Words split(std::string_view text) {
    Words words;
    for (const Word& word : split_words(text))
        words.push_back(word.text);
    return words;
}

/// The period at the front of the words, which it takes.
Result<milliseconds> read_period(Words& words) {
    const std::string_view first = words.front();
    words.erase(words.begin());
    if (first.starts_with('P')) return read_iso(first);
    if (words.empty()) return wrong("ends after " + quoted(first) + ", say how often");
    std::string_view word = words.front();
    words.erase(words.begin());
    if (word.starts_with('P')) return read_iso(word);
    if (!is_digit(word.front())) return unit_length(word);
    std::string_view digits = word;
    const auto count = take_number(digits);
    if (!count || !digits.empty()) return read_compound(word);
    if (words.empty()) {
        return wrong(
            "has " + quoted(word) + " without a unit, did you mean " + std::string(word) +
            " minutes?"
        );
    }
    const auto unit = unit_length(words.front());
    words.erase(words.begin());
    if (!unit) return unit;
    const auto period = times(*count, *unit);
    if (!period) return wrong("is longer than ten years");
    return *period;
}

Result<minutes> read_clock(std::string_view text) {
    std::string_view rest = text;
    const auto hour = take_number(rest);
    if (hour && rest.size() == 3 && rest.front() == ':') {
        rest.remove_prefix(1);
        const auto minute = take_number(rest);
        const bool midnight = *hour == 24 && minute == 0;
        if (minute && rest.empty() && *minute < 60 && (*hour < 24 || midnight)) {
            return minutes(*hour * 60 + *minute);
        }
    }
    return wrong("has " + quoted(text) + " for a time of the day, write it like 09:00");
}

Result<DayWindow> read_window(Words& words) {
    if (words.size() < 3 || words[1] != "and") {
        return wrong("has a \"between\" without two times: between 09:00 and 17:00");
    }
    const auto begin = read_clock(words[0]);
    if (!begin) return std::unexpected(begin.error());
    const auto end = read_clock(words[2]);
    if (!end) return std::unexpected(end.error());
    if (*begin == *end) {
        return wrong("has a window that ends when it begins, at " + std::string(words[0]));
    }
    DayWindow window{.begin = *begin, .end = *end};
    words.erase(words.begin(), words.begin() + 3);
    if (!words.empty() && words.front() != "starting") {
        window.zone = words.front();
        words.erase(words.begin());
    }
    return window;
}

Result<UtcMillis> read_start(Words& words) {
    if (words.empty()) return wrong("has a \"starting\" without a time");
    const std::string_view text = words.front();
    words.erase(words.begin());
    const auto count = jobs::parse_time_count(text, {1, 1000});
    if (!count) return wrong("has a \"starting\" that is no time: " + count.error().message());
    return UtcMillis(milliseconds(*count));
}

}  // namespace

bool Interval::looks_like_one(std::string_view text) {
    const std::size_t at = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(at);
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    return word == "every" || word == "@every" ||
           (word.size() > 1 && word.front() == 'P' && (is_digit(word[1]) || word[1] == 'T'));
}

Result<Interval> Interval::parse(std::string_view text, milliseconds period_min) {
    if (text.size() > 256)
        return wrong("has " + std::to_string(text.size()) + " bytes, 256 are possible");
    Words words = split(text);
    if (words.empty() || !looks_like_one(text)) {
        return wrong("begins with \"every\" or is a duration like PT30M");
    }
    Interval interval;
    const auto period = read_period(words);
    if (!period) return std::unexpected(period.error());
    interval.period_ = *period;
    if (*period < period_min || period->count() == 0) {
        return wrong(
            "is " + std::to_string(period->count()) + " ms long, the shortest is " +
            std::to_string(std::max(period_min, milliseconds(1)).count()) + " ms"
        );
    }
    while (!words.empty()) {
        const std::string_view word = words.front();
        words.erase(words.begin());
        if (word == "starting" && !interval.starting_) {
            const auto start = read_start(words);
            if (!start) return std::unexpected(start.error());
            interval.starting_ = *start;
        } else if (word == "between" && !interval.between_) {
            auto window = read_window(words);
            if (!window) return std::unexpected(window.error());
            interval.between_ = std::move(*window);
        } else {
            return wrong(
                "has " + quoted(word) +
                " where only \"starting\" or \"between\" can follow, once each"
            );
        }
    }
    return interval;
}

}  // namespace tranter::schedule
