#include "schedule/posix_rule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace tranter::schedule {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Takes one element after the other off the text. What cannot be taken leaves `ok` false.
class RuleText {
  public:
    explicit RuleText(std::string_view text) : rest_(text) {}

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }
    bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }

    bool take(char c) {
        if (!next_is(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void require(char c) { ok_ = take(c) && ok_; }

    int number(int least, int most) {
        int value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        const bool good = error == std::errc{} && !next_is('-') && value >= least && value <= most;
        if (!good) {
            ok_ = false;
            return least;
        }
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }

    /// `EST` or `<+0330>`.
    void abbreviation() {
        const bool quoted = take('<');
        std::size_t size = 0;
        while (size < rest_.size() && belongs_to_name(rest_[size], quoted))
            ++size;
        ok_ = ok_ && size >= 3;
        rest_.remove_prefix(size);
        if (quoted) require('>');
    }

    /// hh[:mm[:ss]] with a sign.
    seconds time(int hours_max) {
        const bool negative = take('-');
        if (!negative) take('+');
        seconds value = hours(number(0, hours_max));
        if (take(':')) value += minutes(number(0, 59));
        if (take(':')) value += seconds(number(0, 59));
        return negative ? -value : value;
    }

  private:
    static bool belongs_to_name(char c, bool quoted) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || !quoted) return letter;
        return (c >= '0' && c <= '9') || c == '+' || c == '-';
    }

    std::string_view rest_;
    bool ok_ = true;
};

PosixRule::Change read_change(RuleText& text) {
    PosixRule::Change change;
    text.require(',');
    if (text.take('M')) {
        change.month = text.number(1, 12);
        text.require('.');
        change.week = text.number(1, 5);
        text.require('.');
        change.day = text.number(0, 6);
    } else if (text.take('J')) {
        change.kind = PosixRule::Change::Kind::julian;
        change.day = text.number(1, 365);
    } else {
        change.kind = PosixRule::Change::Kind::zero_based;
        change.day = text.number(0, 365);
    }
    if (text.take('/')) change.time = text.time(167);
    return change;
}

std::chrono::local_days day_of(const PosixRule::Change& change, std::chrono::year year) {
    using std::chrono::local_days;
    const local_days january_first{year / std::chrono::January / 1};
    switch (change.kind) {
        case PosixRule::Change::Kind::julian: {
            const bool after_february = year.is_leap() && change.day >= 60;
            return january_first + days(change.day - (after_february ? 0 : 1));
        }
        case PosixRule::Change::Kind::zero_based:
            return january_first + days(change.day);
        case PosixRule::Change::Kind::month_week_day:
            break;
    }
    const auto month = year / std::chrono::month(static_cast<unsigned>(change.month));
    const std::chrono::weekday day(static_cast<unsigned>(change.day));
    if (change.week == 5) return local_days(month / day[std::chrono::last]);
    return local_days(month / day[static_cast<unsigned>(change.week)]);
}

}  // namespace

Result<PosixRule> PosixRule::parse(std::string_view text) {
    RuleText rest(text);
    PosixRule rule;
    rest.abbreviation();
    rule.standard_ = -rest.time(24);  // POSIX counts westwards
    if (rest.ok() && !rest.at_end()) {
        Daylight daylight{.offset = rule.standard_ + hours(1)};
        rest.abbreviation();
        if (!rest.next_is(',')) daylight.offset = -rest.time(24);
        daylight.begin = read_change(rest);
        daylight.end = read_change(rest);
        rule.daylight_ = daylight;
    }
    if (!rest.ok() || !rest.at_end()) {
        return fail(Errc::corrupted, "the rule \"" + std::string(text) + "\" is no TZ string");
    }
    return rule;
}

ZonePeriod PosixRule::period_at(UtcSeconds when) const {
    if (!daylight_) return {.offset = standard_};
    struct Begin {
        UtcSeconds at;
        int order;  // of those at one moment
        seconds offset;
    };
    const auto year = std::chrono::year_month_day(std::chrono::floor<days>(when)).year();
    std::array<Begin, 6> begins{};
    auto* next = begins.data();
    for (int step = -1; step <= 1; ++step) {
        const auto near = year + std::chrono::years(step);
        const auto summer = day_of(daylight_->begin, near) + daylight_->begin.time;
        const auto winter = day_of(daylight_->end, near) + daylight_->end.time;
        *next++ = {UtcSeconds(summer.time_since_epoch() - standard_), 2 * step, daylight_->offset};
        *next++ = {
            UtcSeconds(winter.time_since_epoch() - daylight_->offset), 2 * step + 1, standard_};
    }
    // Of two at one moment, as in zones with daylight saving all year, the later rule holds.
    std::ranges::sort(begins, {}, [](const Begin& begin) {
        return std::pair(begin.at, begin.order);
    });
    ZonePeriod period;
    for (const Begin& begin : begins) {
        if (begin.at > when) {
            if (begin.offset == period.offset && period.begin != beginning_of_time) continue;
            period.end = begin.at;
            break;
        }
        period = {.begin = begin.at, .offset = begin.offset};
    }
    return period;
}

}  // namespace tranter::schedule
