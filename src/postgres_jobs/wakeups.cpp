#include "postgres_jobs/wakeups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::milliseconds;

constexpr postgres::Statement sleep_on("SELECT wished, is_sure FROM tranter.sleep_on($1, $2)");

// While somebody else's transaction is under way that may not notify us.
constexpr milliseconds shortest_pause(5);
constexpr milliseconds longest_pause(500);
// Something is due, and others do not let go of it.
constexpr milliseconds shortest_rest(10);
constexpr milliseconds longest_rest(500);
constexpr std::chrono::hours longest_wait(24 * 365);
// Anybody may notify. Beyond it there would soon be no next one.
constexpr std::int64_t epoch_max = std::int64_t{1} << 62;

}  // namespace

Wakeups::Wakeups(
    postgres::Pool& pool, Notifications& notifications, std::chrono::milliseconds poll_interval
)
    : pool_(pool), notifications_(notifications), poll_interval_(poll_interval) {
    notifications_.set_handler(
        Channel::jobs,
        {.heard = [this](std::string_view payload) { hear(payload); },
         .listens =
             [this] {
                 listen_again();
             }}
    );
}

Wakeups::Place& Wakeups::place_of(std::int32_t queue_id) {
    const std::lock_guard lock(mutex_);
    return places_[queue_id];
}

Result<std::vector<ReceivedJob>> Wakeups::receive(
    std::int32_t queue_id, Milliseconds wait, const std::stop_token& stop, const LookForJobs& look
) {
    notifications_.use(Channel::jobs);
    const End end{.until = Clock::now() + std::min<Milliseconds>(wait, longest_wait), .stop = stop};
    Place& place = place_of(queue_id);
    Lock lock(mutex_);
    while (true) {
        if (closed_) return fail(Errc::unavailable, "the store of jobs was closed");
        place.owed = false;
        place.looked = Clock::now();
        if (place.next && *place.next <= place.looked) place.next.reset();
        const std::int64_t heard = std::exchange(place.unanswered, 0);
        lock.unlock();
        auto found = look(heard);
        lock.lock();
        if (!found) {
            if (place.unanswered == 0) place.unanswered = heard;
            leave(place, true);
            return std::unexpected(found.error());
        }
        const bool is_stuck = found->jobs.empty() && found->next == milliseconds(0);
        place.rest =
            is_stuck ? std::clamp(place.rest * 2, shortest_rest, longest_rest) : milliseconds(0);
        if (!found->jobs.empty()) {
            leave(place, true);
            return std::move(found->jobs);
        }
        if (found->next) {
            // One that another receive knows of may be earlier.
            const auto next = Clock::now() + std::max({*found->next, place.rest, shortest_rest});
            place.next = std::min(place.next.value_or(next), next);
        }
        if (place.owed && !is_over(end)) continue;
        std::optional<milliseconds> pause;
        if (!is_over(end) && !is_in_force(place) && !place.is_wishing) {
            const auto wish_made = wish(queue_id, place, lock);
            if (!wish_made) {
                leave(place, true);
                return std::unexpected(wish_made.error());
            }
            if (*wish_made == Wish::made) continue;
            if (*wish_made == Wish::uncertain) pause = place.pause;
        }
        sleep(place, end, pause, lock);
        if (is_over(end) && !closed_) {
            leave(place, place.owed || !is_in_force(place));
            return std::vector<ReceivedJob>{};
        }
    }
}

bool Wakeups::is_over(const End& end) const {
    return closed_ || end.stop.stop_requested() || Clock::now() >= end.until;
}

bool Wakeups::is_in_force(const Place& place) const {
    return place.wished > place.heard && place.session == notifications_.session(Channel::jobs);
}

Result<Wakeups::Wish> Wakeups::wish(std::int32_t queue_id, Place& place, Lock& lock) {
    const std::uint64_t session = notifications_.session(Channel::jobs);
    if (session == 0) return Wish::none;
    place.is_wishing = true;
    const std::array<postgres::Parameter, 2> parameters{
        fmt::format("{}", queue_id), fmt::format("{}", place.heard)};
    lock.unlock();
    std::int64_t wished = 0;
    bool is_sure = false;
    const auto asked = pool_.read([&](postgres::Connection& connection) -> Result<> {
        const postgres::Rows rows = connection.execute(sleep_on, parameters);
        wished = rows.integer(0, 0);
        is_sure = rows.boolean(0, 1);
        return {};
    });
    lock.lock();
    place.is_wishing = false;
    if (!asked) return std::unexpected(asked.error());
    if (!is_sure) {
        place.pause = std::clamp(place.pause * 2, shortest_pause, longest_pause);
        return Wish::uncertain;
    }
    place.pause = {};
    place.wished = wished;
    place.session = session;
    return Wish::made;
}

Wakeups::Clock::time_point Wakeups::alarm_of(const Place& place) const {
    const auto poll = place.looked + poll_interval_;
    return place.next ? std::min(poll, *place.next) : poll;
}

void Wakeups::sleep(Place& place, const End& end, std::optional<milliseconds> pause, Lock& lock) {
    Sleeper sleeper;
    place.sleepers.push_back(&sleeper);
    const auto pause_end = Clock::now() + pause.value_or(longest_wait);
    while (!sleeper.woken && !is_over(end)) {
        auto until = std::min(end.until, pause_end);
        if (place.sleepers.front() == &sleeper) until = std::min(until, alarm_of(place));
        if (Clock::now() >= until) break;
        sleeper.poked = false;
        sleeper.changed.wait_until(lock, end.stop, until, [&] {
            return sleeper.woken || sleeper.poked || closed_;
        });
    }
    const bool was_first = !place.sleepers.empty() && place.sleepers.front() == &sleeper;
    std::erase(place.sleepers, &sleeper);
    if (!was_first || place.sleepers.empty()) return;
    place.sleepers.front()->poked = true;
    place.sleepers.front()->changed.notify_all();
}

void Wakeups::wake_one(Place& place) {
    if (place.sleepers.empty()) return;
    Sleeper& sleeper = *place.sleepers.front();
    place.sleepers.pop_front();
    sleeper.woken = true;
    sleeper.changed.notify_all();
    if (place.sleepers.empty()) return;
    place.sleepers.front()->poked = true;
    place.sleepers.front()->changed.notify_all();
}

void Wakeups::leave(Place& place, bool owed) {
    place.owed = owed;
    if (owed) wake_one(place);
}

void Wakeups::hear(std::string_view payload) {
    std::int32_t queue_id = 0;
    std::int64_t epoch = 0;
    const auto [colon, bad_id] = std::from_chars(payload.begin(), payload.end(), queue_id);
    if (bad_id != std::errc() || colon == payload.end() || *colon != ':') return;
    const auto [rest, bad_epoch] = std::from_chars(colon + 1, payload.end(), epoch);
    if (bad_epoch != std::errc() || rest != payload.end() || epoch > epoch_max) return;
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(queue_id);
    if (place == places_.end()) return;
    place->second.heard = std::max(place->second.heard, epoch);
    if (epoch > 0) place->second.unanswered = epoch;
    leave(place->second, true);
}

void Wakeups::listen_again() {
    const std::lock_guard lock(mutex_);
    for (auto& [queue_id, place] : places_)
        leave(place, true);
}

void Wakeups::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [queue_id, place] : places_) {
        for (Sleeper* sleeper : place.sleepers)
            sleeper->changed.notify_all();
    }
}

}  // namespace tranter::postgres_jobs
