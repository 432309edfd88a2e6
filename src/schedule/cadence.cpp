#include "schedule/cadence.hpp"

#include "schedule/words.hpp"

#include <chrono>
#include <utility>

namespace tranter::schedule {
namespace {

std::string_view anchor_name(IntervalAnchor anchor) {
    return anchor == IntervalAnchor::registration ? "registration" : "after_completion";
}

/// What cannot have an anchor of its own.
Result<> check_anchor(IntervalAnchor anchor, const Interval* interval) {
    if (anchor == IntervalAnchor::epoch) return {};
    std::string problem("anchor is ");
    problem += anchor_name(anchor);
    if (interval == nullptr) {
        problem += ", which is for intervals such as \"every 10 minutes\"";
    } else if (interval->starting()) {
        problem += ", but the interval says from when it counts: leave out anchor or \"starting\"";
    } else {
        return {};
    }
    return fail(Errc::invalid_argument, std::move(problem));
}

}  // namespace

Result<Cadence> Cadence::parse(
    std::string_view expression, const CadenceOptions& options, ZoneDirectory& zones
) {
    Cadence cadence;
    cadence.expression_ = expression;
    cadence.dst_ = options.dst;
    cadence.anchor_ = options.anchor;
    std::string zone = options.zone;
    std::string window_zone;
    if (Interval::looks_like_one(expression)) {
        auto interval = Interval::parse(expression, options.period_min);
        if (!interval) return std::unexpected(std::move(interval.error()));
        if (interval->between()) window_zone = interval->between()->zone;
        cadence.when_ = std::move(*interval);
    } else {
        auto cron = CronExpression::parse(expression);
        if (!cron) return std::unexpected(std::move(cron.error()));
        if (!cron->zone().empty()) zone = cron->zone();
        cadence.when_ = std::move(*cron);
    }
    if (auto ok = check_anchor(options.anchor, std::get_if<Interval>(&cadence.when_)); !ok) {
        return std::unexpected(std::move(ok.error()));
    }
    auto found = zones.find(zone.empty() ? "UTC" : zone);
    if (!found) return std::unexpected(std::move(found.error()));
    cadence.zone_ = std::move(*found);
    cadence.window_zone_ = cadence.zone_;
    if (!window_zone.empty()) {
        auto other = zones.find(window_zone);
        if (!other) return std::unexpected(std::move(other.error()));
        cadence.window_zone_ = std::move(*other);
    }
    return cadence;
}

Cadence Cadence::anchored(UtcMillis when) const {
    Cadence out = *this;
    if (auto* interval = std::get_if<Interval>(&out.when_)) *interval = interval->anchored(when);
    return out;
}

std::optional<std::chrono::milliseconds> Cadence::period() const {
    const auto* interval = std::get_if<Interval>(&when_);
    if (interval == nullptr) return std::nullopt;
    return interval->period();
}

std::optional<UtcMillis> Cadence::next(UtcMillis after) const {
    if (const auto* interval = std::get_if<Interval>(&when_)) {
        return interval->next(after, *window_zone_);
    }
    return next_firing(
        std::get<CronExpression>(when_),
        *zone_,
        dst_,
        std::chrono::floor<std::chrono::seconds>(after)
    );
}

std::optional<UtcMillis> Cadence::previous(UtcMillis before) const {
    if (const auto* interval = std::get_if<Interval>(&when_)) {
        return interval->previous(before, *window_zone_);
    }
    return previous_firing(
        std::get<CronExpression>(when_),
        *zone_,
        dst_,
        std::chrono::ceil<std::chrono::seconds>(before)
    );
}

Result<> Cadence::check_fires(UtcMillis after) const {
    if (next(after)) return {};
    return fail(
        Errc::invalid_argument,
        "\"" + expression_ + "\" never fires: no day until 2199 is like that"
    );
}

std::vector<UtcMillis> Cadence::next_n(UtcMillis after, std::size_t count) const {
    std::vector<UtcMillis> out;
    while (out.size() < count) {
        const auto next_one = next(after);
        if (!next_one) break;
        out.push_back(*next_one);
        after = *next_one;
    }
    return out;
}

std::vector<std::string> Cadence::warnings() const {
    const auto* cron = std::get_if<CronExpression>(&when_);
    return cron != nullptr ? cron->warnings() : std::vector<std::string>{};
}

std::string Cadence::in_words() const {
    if (const auto* interval = std::get_if<Interval>(&when_)) {
        return interval_in_words(*interval, window_zone_->name(), anchor_);
    }
    return cron_in_words(std::get<CronExpression>(when_).fields(), zone_->name());
}

}  // namespace tranter::schedule
