#include "postgres_jobs/sightings.hpp"

#include <algorithm>
#include <iterator>

namespace tranter::postgres_jobs {
namespace {

constexpr auto write_interval = std::chrono::seconds(5);
constexpr auto remembered = std::chrono::minutes(10);
/// A worker that goes from queue to queue costs no more than this.
constexpr std::size_t worker_queues_max = 64;
constexpr std::size_t workers_max = 10'000;
constexpr Milliseconds worker_wait_max = std::chrono::hours(24);

}  // namespace

WorkerSightings::Known& WorkerSightings::known(std::string_view name) {
    const auto found = known_.find(name);
    if (found != known_.end()) return found->second;
    Known& made = known_[std::string(name)];
    made.sighting.name = name;
    made.has_news = true;
    return made;
}

void WorkerSightings::asks(const ReceiveRequest& request, Clock::time_point now) {
    if (request.worker.empty()) return;
    const std::lock_guard lock(mutex_);
    if (known_.size() >= workers_max) forget_silent(now);
    Known& one = known(request.worker);
    Sighting& sighting = one.sighting;
    if (!sighting.queues.contains(request.queue) && sighting.queues.size() < worker_queues_max) {
        sighting.queues.insert(request.queue);
        one.has_news = true;
    }
    if (request.worker_concurrency != 0 && request.worker_concurrency != sighting.concurrency) {
        sighting.concurrency = request.worker_concurrency;
        one.has_news = true;
    }
    if (!request.worker_version.empty() && request.worker_version != sighting.version) {
        sighting.version = request.worker_version;
        one.has_news = true;
    }
    const auto wait = std::clamp(request.wait, Milliseconds::zero(), worker_wait_max);
    sighting.seen = std::max(sighting.seen, now);
    sighting.silent_from = std::max(sighting.silent_from, now + wait);
    one.changed = true;
    if (one.has_news) next_due_ = now;
}

void WorkerSightings::heard(std::string_view worker, Clock::time_point now) {
    if (worker.empty()) return;
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(worker);
    if (found == known_.end()) return;
    Sighting& sighting = found->second.sighting;
    sighting.seen = std::max(sighting.seen, now);
    sighting.silent_from = std::max(sighting.silent_from, now);
    found->second.changed = true;
}

std::vector<Sighting> WorkerSightings::take_due(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    std::vector<Sighting> due;
    if (now < next_due_) return due;
    forget_silent(now);
    next_due_ = now + write_interval;
    for (auto& [name, one] : known_) {
        if (!one.changed) continue;
        const bool is_due = one.has_news || one.written + write_interval <= now;
        if (!is_due) {
            next_due_ = std::min(next_due_, one.written + write_interval);
            continue;
        }
        one.written = now;
        one.has_news = one.changed = false;
        due.push_back(one.sighting);
    }
    return due;
}

std::vector<Sighting> WorkerSightings::take_all(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    std::vector<Sighting> all;
    for (auto& [name, one] : known_) {
        if (!one.changed) continue;
        one.written = now;
        one.has_news = one.changed = false;
        all.push_back(one.sighting);
    }
    return all;
}

void WorkerSightings::put_back(const std::vector<Sighting>& sightings) {
    const std::lock_guard lock(mutex_);
    for (const Sighting& sighting : sightings) {
        const auto found = known_.find(sighting.name);
        if (found != known_.end()) found->second.changed = true;
    }
}

void WorkerSightings::forget_silent(Clock::time_point now) {
    std::erase_if(known_, [now](const auto& each) {
        return !each.second.changed && each.second.sighting.silent_from + remembered < now;
    });
}

}  // namespace tranter::postgres_jobs
