#include "supervise/restart.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;

/// What grows when the rule names no wait: the first restart goes at once, the second after this.
constexpr Duration smallest_growing_wait = 100ms;
/// Who has to be killed before has not started well, however soon it seemed so.
constexpr Duration soundness = 1min;

}  // namespace

Restarts::Decision Restarts::ended(
    const Ending& ending, Duration uptime, Instant now, double chance
) {
    const bool is_wanted =
        ending.signal == 0 &&
        std::ranges::find(rule_.stop_exit_codes, ending.code) != rule_.stop_exit_codes.end();
    if (is_wanted) return {.verdict = Verdict::stopped};
    if (type_ == AppType::oneshot && ending.is_success()) return {.verdict = Verdict::completed};
    const bool is_final = rule_.when == RestartWhen::never ||
                          (rule_.when == RestartWhen::on_failure && ending.is_success());
    if (!is_final) return again(uptime >= rule_.min_uptime, now, chance);
    return {.verdict = ending.is_success() ? Verdict::stopped : Verdict::errored};
}

Restarts::Decision Restarts::failed(Duration uptime, Instant now, double chance) {
    if (rule_.when == RestartWhen::never) return {.verdict = Verdict::errored};
    return again(uptime >= std::max(rule_.min_uptime, soundness), now, chance);
}

void Restarts::reset() {
    recent_.clear();
    unstable_ = 0;
}

Restarts::Decision Restarts::again(bool is_stable, Instant now, double chance) {
    if (is_stable) unstable_ = 0;
    if (is_exhausted(now)) return {.verdict = Verdict::errored};
    if (!is_stable) ++unstable_;
    ++total_;
    const Duration rest = wait(chance);
    // The start is what counts, so a long wait does not make a crash loop look rare.
    if (rule_.max > 0 && rule_.window != Duration{}) recent_.push_back(now + rest);
    return {.verdict = Verdict::restart, .wait = rest};
}

bool Restarts::is_exhausted(Instant now) {
    if (rule_.max == 0) return false;
    if (rule_.window == Duration{}) return unstable_ >= rule_.max;
    std::erase_if(recent_, [&](Instant at) { return at <= now - rule_.window; });
    return recent_.size() >= rule_.max;
}

Duration Restarts::wait(double chance) const {
    if (unstable_ <= 1 || rule_.delay_max <= rule_.delay) return rule_.delay;
    const bool has_delay = rule_.delay > Duration{};
    const Duration first = has_delay ? rule_.delay : smallest_growing_wait;
    const std::uint32_t steps = unstable_ - (has_delay ? 1 : 2);
    const double longest = static_cast<double>(rule_.delay_max.count());
    const double grown = static_cast<double>(first.count()) *
                         std::pow(std::max(rule_.factor, 1.0), static_cast<double>(steps));
    const double capped = std::min(grown, longest);
    return Duration(static_cast<Duration::rep>(capped * (1 - rule_.jitter * chance)));
}

}  // namespace tranter::supervise
