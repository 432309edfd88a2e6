#include "schedule/time_zone.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::size_t header_bytes = 44;

/// Big-endian numbers, one after the other. Reading beyond the end gives zeros and is remembered.
class Bytes {
  public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}

    bool complete() const { return complete_; }

    std::string_view take(std::size_t count) {
        if (count > rest_.size()) {
            complete_ = false;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    template <class Number>
    Number number() {
        std::uint64_t value = 0;
        for (const char byte : take(sizeof(Number)))
            value = value << 8U | static_cast<std::uint8_t>(byte);
        return static_cast<Number>(value);
    }

    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
    bool complete_ = true;
};

struct Header {
    char version = 0;
    std::size_t ut_indicators = 0;
    std::size_t standard_indicators = 0;
    std::size_t leap_seconds = 0;
    std::size_t transitions = 0;
    std::size_t types = 0;
    std::size_t name_bytes = 0;

    /// Of what follows it, where times take `time_bytes`.
    std::size_t data_bytes(std::size_t time_bytes) const {
        return transitions * (time_bytes + 1) + types * 6 + name_bytes +
               leap_seconds * (time_bytes + 4) + standard_indicators + ut_indicators;
    }
};

Header read_header(Bytes& bytes) {
    Header header;
    if (bytes.take(4) != "TZif") return header;
    const std::string_view version = bytes.take(1);
    bytes.take(15);
    header.ut_indicators = bytes.number<std::uint32_t>();
    header.standard_indicators = bytes.number<std::uint32_t>();
    header.leap_seconds = bytes.number<std::uint32_t>();
    header.transitions = bytes.number<std::uint32_t>();
    header.types = bytes.number<std::uint32_t>();
    header.name_bytes = bytes.number<std::uint32_t>();
    if (bytes.complete()) header.version = version.front();
    return header;
}

std::unexpected<Error> broken(const std::string& name) {
    return fail(
        Errc::corrupted,
        "the file of time zone " + name + " is damaged, or no TZif file of version 2 or later"
    );
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string name, std::string_view file) {
    Bytes bytes(file);
    const Header first = read_header(bytes);
    bytes.take(first.data_bytes(4));  // the same again for readers of 1986
    const Header header = read_header(bytes);
    if (!bytes.complete() || header.version < '2' || header.types == 0 ||
        bytes.rest().size() < header.data_bytes(8)) {
        return broken(name);
    }
    TimeZone zone(std::move(name));
    zone.transitions_.resize(header.transitions);
    for (Transition& transition : zone.transitions_) {
        const auto at = std::clamp<std::int64_t>(
            bytes.number<std::int64_t>(),
            beginning_of_time.time_since_epoch().count(),
            end_of_time.time_since_epoch().count()
        );
        transition.at = UtcSeconds(std::chrono::seconds(at));
    }
    const std::string_view types = bytes.take(header.transitions);
    std::vector<std::chrono::seconds> offsets(header.types);
    for (auto& offset : offsets) {
        offset = std::chrono::seconds(bytes.number<std::int32_t>());
        if (std::chrono::abs(offset) > std::chrono::hours(26)) return broken(zone.name_);
        bytes.take(2);  // daylight saving, abbreviation
    }
    bytes.take(header.data_bytes(8) - header.transitions * 9 - header.types * 6);
    for (std::size_t i = 0; i < types.size(); ++i) {
        const auto type = static_cast<std::uint8_t>(types[i]);
        const bool in_order = i == 0 || zone.transitions_[i - 1].at < zone.transitions_[i].at;
        if (type >= offsets.size() || !in_order) return broken(zone.name_);
        zone.transitions_[i].offset = offsets[type];
    }
    zone.first_offset_ = offsets.front();

    std::string_view footer = bytes.rest();
    if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') {
        return broken(zone.name_);
    }
    footer = footer.substr(1, footer.size() - 2);
    if (!footer.empty()) {
        auto rule = PosixRule::parse(footer);
        if (!rule) return broken(zone.name_);
        zone.rule_ = *rule;
    }
    return zone;
}

ZonePeriod TimeZone::period_at(UtcSeconds when) const {
    const auto next = std::ranges::upper_bound(transitions_, when, {}, &Transition::at);
    ZonePeriod period{.offset = first_offset_};
    if (next != transitions_.begin()) {
        period.begin = std::prev(next)->at;
        period.offset = std::prev(next)->offset;
    }
    if (next != transitions_.end()) {
        period.end = next->at;
    } else if (rule_) {
        const UtcSeconds last = period.begin;
        period = rule_->period_at(when);
        period.begin = std::max(period.begin, last);
    }
    return period;
}

}  // namespace tranter::schedule
