#include "providers/broker_waits.hpp"

namespace tranter::providers {
namespace {

std::unexpected<Error> wait_closed() {
    return fail(Errc::unavailable, "the store of jobs is closed");
}

}  // namespace

JobWaits::WaitId JobWaits::add(const Uuid& job, Done done) {
    {
        const std::lock_guard lock(mutex_);
        if (!closed_) {
            waiters_.emplace(job, Waiter{.id = ++last_id_, .done = std::move(done)});
            count();
            return last_id_;
        }
    }
    // NOLINTNEXTLINE(bugprone-use-after-move): moved from only on the way that returned
    done(wait_closed());
    return 0;
}

bool JobWaits::has(const Uuid& job) const {
    if (empty()) return false;
    const std::lock_guard lock(mutex_);
    return waiters_.contains(job);
}

void JobWaits::finished(const Uuid& job, const JobRecord& record) {
    std::vector<Done> told;
    {
        const std::lock_guard lock(mutex_);
        const auto [first, last] = waiters_.equal_range(job);
        for (auto each = first; each != last; ++each)
            told.push_back(std::move(each->second.done));
        waiters_.erase(first, last);
        count();
    }
    for (Done& done : told)
        done(std::optional(record));
}

void JobWaits::answer(const Uuid& job, WaitId wait, Result<std::optional<JobRecord>> result) {
    Done done;
    {
        const std::lock_guard lock(mutex_);
        auto [each, last] = waiters_.equal_range(job);
        while (each != last && each->second.id != wait)
            ++each;
        if (each == last) return;
        done = std::move(each->second.done);
        waiters_.erase(each);
        count();
    }
    done(std::move(result));
}

void JobWaits::close() {
    std::unordered_multimap<Uuid, Waiter, UuidHash> waiters;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        waiters.swap(waiters_);
        count();
    }
    for (auto& [job, waiter] : waiters)
        waiter.done(wait_closed());
}

}  // namespace tranter::providers
