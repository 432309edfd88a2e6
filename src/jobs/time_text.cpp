#include "jobs/time_text.hpp"

#include "base/duration.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace tranter::jobs {

namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::int64_t nanos_per_second = 1'000'000'000;
constexpr std::int64_t micros_per_second = 1'000'000;
constexpr std::int64_t seconds_per_day = 86400;

constexpr std::int64_t first_second = -62'167'219'200;  // 0000-01-01T00:00:00Z
constexpr std::int64_t last_second = 253'402'300'799;   // 9999-12-31T23:59:59Z

std::optional<std::int64_t> multiplied(std::int64_t left, std::int64_t right) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(left, right, &product)) return std::nullopt;
    return product;
}

std::optional<std::int64_t> added(std::int64_t left, std::int64_t right) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(left, right, &sum)) return std::nullopt;
    return sum;
}

/// A moment as RFC 3339 can say it.
struct Moment {
    std::int64_t second = 0;  // since 1970
    std::int64_t nanos = 0;   // after it, less than a second
};

Result<std::int64_t> micros_from(std::int64_t count, TimeUnit unit) {
    if (count < 0) return fail(Errc::invalid_argument, "a duration below zero cannot be written");
    std::optional<std::int64_t> micros;
    if (unit.den <= micros_per_second && micros_per_second % unit.den == 0) {
        const auto per_unit = multiplied(unit.num, micros_per_second / unit.den);
        if (per_unit) micros = multiplied(count, *per_unit);
    } else if (const auto nanos = multiplied(count, nanos_per_second / unit.den)) {
        if (*nanos % 1000 != 0) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "a duration of {} ns cannot be written: it ends at microseconds", *nanos
                )
            );
        }
        micros = *nanos / 1000;
    }
    if (!micros) return fail(Errc::invalid_argument, "the duration is too large to be written");
    return *micros;
}

/// `text` as it is written in RFC 3339; moves behind what it reads.
class TimeReader {
  public:
    explicit TimeReader(std::string_view text) : rest_(text) {}

    std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count) return std::nullopt;
        int value = 0;
        for (const char c : rest_.substr(0, count)) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    bool skip(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
};

/// The digits behind the dot, as nanoseconds.
std::optional<std::int64_t> read_fraction(TimeReader& reader) {
    if (!reader.skip('.')) return 0;
    std::int64_t nanos = 0;
    std::int64_t scale = nanos_per_second;
    while (reader.at_digit()) {
        if (scale == 1) return std::nullopt;
        scale /= 10;
        nanos += *reader.digits(1) * scale;
    }
    if (scale == nanos_per_second) return std::nullopt;
    return nanos;
}

/// Seconds that local time is ahead of UTC.
std::optional<std::int64_t> read_offset(TimeReader& reader) {
    if (reader.skip('Z') || reader.skip('z')) return 0;
    const bool behind = reader.skip('-');
    if (!behind && !reader.skip('+')) return std::nullopt;
    const auto hours = reader.digits(2);
    if (!hours || *hours > 23 || !reader.skip(':')) return std::nullopt;
    const auto minutes = reader.digits(2);
    if (!minutes || *minutes > 59) return std::nullopt;
    const std::int64_t offset = *hours * 3600 + *minutes * 60;
    return behind ? -offset : offset;
}

std::optional<std::int64_t> read_day(TimeReader& reader) {
    const auto year = reader.digits(4);
    if (!year || !reader.skip('-')) return std::nullopt;
    const auto month = reader.digits(2);
    if (!month || !reader.skip('-')) return std::nullopt;
    const auto day = reader.digits(2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{
        std::chrono::year(*year),
        std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count() * seconds_per_day;
}

std::optional<Moment> read_moment(std::string_view text) {
    TimeReader reader(text);
    const auto day = read_day(reader);
    if (!day || (!reader.skip('T') && !reader.skip('t'))) return std::nullopt;
    const auto hour = reader.digits(2);
    if (!hour || *hour > 23 || !reader.skip(':')) return std::nullopt;
    const auto minute = reader.digits(2);
    if (!minute || *minute > 59 || !reader.skip(':')) return std::nullopt;
    const auto second = reader.digits(2);
    if (!second || *second > 59) return std::nullopt;
    const auto nanos = read_fraction(reader);
    if (!nanos) return std::nullopt;
    const auto offset = read_offset(reader);
    if (!offset || !reader.at_end()) return std::nullopt;
    return Moment{*day + *hour * 3600 + *minute * 60 + *second - *offset, *nanos};
}

std::optional<Moment> moment_from(std::int64_t count, TimeUnit unit) {
    if (unit.den == 1) {
        const auto second = multiplied(count, unit.num);
        if (!second) return std::nullopt;
        return Moment{*second, 0};
    }
    std::int64_t second = count / unit.den;
    std::int64_t rest = count % unit.den;
    if (rest < 0) {
        --second;
        rest += unit.den;
    }
    return Moment{second, rest * (nanos_per_second / unit.den)};
}

std::unexpected<Error> wrong(std::string_view what, std::string_view text, std::string_view right) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" {}{}", text, what, right));
}

}  // namespace

Result<std::string> duration_text(std::int64_t count, TimeUnit unit) {
    const auto micros = micros_from(count, unit);
    if (!micros) return std::unexpected(micros.error());
    return format_duration(Duration(*micros));
}

Result<std::int64_t> parse_duration_count(std::string_view text, TimeUnit unit) {
    const auto duration = parse_duration(text);
    if (!duration) return std::unexpected(duration.error());
    const std::int64_t micros = duration->count();
    if (unit.den > micros_per_second || micros_per_second % unit.den != 0) {
        const auto nanos = multiplied(micros, 1000);
        if (!nanos) return wrong("is too large for this field", text, "");
        const std::int64_t per_unit = nanos_per_second / unit.den;
        if (*nanos % per_unit == 0) return *nanos / per_unit;
    } else {
        const auto per_unit = multiplied(unit.num, micros_per_second / unit.den);
        if (per_unit && micros % *per_unit == 0) return micros / *per_unit;
        if (micros == 0) return 0;
    }
    const std::string step =
        unit.den == 1 ? fmt::format("{} s", unit.num) : fmt::format("1/{} s", unit.den);
    return wrong("is no multiple of ", text, step + ", the unit of this field");
}

Result<std::string> time_text(std::int64_t count, TimeUnit unit) {
    const auto moment = moment_from(count, unit);
    if (!moment || moment->second < first_second || moment->second > last_second) {
        return fail(
            Errc::invalid_argument, "a time outside of the years 0 to 9999 cannot be written"
        );
    }
    const std::chrono::sys_seconds when{seconds(moment->second)};
    const auto day = std::chrono::floor<days>(when);
    const std::chrono::year_month_day date(day);
    const std::int64_t clock = (when - day).count();
    std::string out = fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        clock / 3600,
        clock / 60 % 60,
        clock % 60
    );
    if (moment->nanos % 1000 != 0) {
        out += fmt::format(".{:09}", moment->nanos);
    } else if (moment->nanos % micros_per_second != 0) {
        out += fmt::format(".{:06}", moment->nanos / 1000);
    } else if (moment->nanos != 0) {
        out += fmt::format(".{:03}", moment->nanos / micros_per_second);
    }
    return out + "Z";
}

Result<std::int64_t> parse_time_count(std::string_view text, TimeUnit unit) {
    const auto moment = read_moment(text);
    if (!moment) {
        return wrong("is not a time", text, ", write one like \"2026-11-03T04:05:06Z\"");
    }
    // "0000-01-01T00:00:00+01:00" is in a year that has no four digits.
    if (moment->second < first_second || moment->second > last_second) {
        return wrong("is outside of the years 0 to 9999 in UTC", text, "");
    }
    if (unit.den == 1) {
        if (moment->nanos == 0 && moment->second % unit.num == 0) return moment->second / unit.num;
    } else {
        const std::int64_t per_unit = nanos_per_second / unit.den;
        if (moment->nanos % per_unit == 0) {
            // Counted from the second that is nearer to 1970, so that all that fit are reached.
            const bool before = moment->second < 0;
            const auto whole = multiplied(moment->second + (before ? 1 : 0), unit.den);
            const std::int64_t part = moment->nanos / per_unit - (before ? unit.den : 0);
            const auto count = whole ? added(*whole, part) : std::nullopt;
            if (count) return *count;
            return wrong("does not fit into this field", text, "");
        }
    }
    return wrong("is more exact than this field can hold", text, "");
}

}  // namespace tranter::jobs
