#include "providers/broker_under_way.hpp"

#include <algorithm>
#include <chrono>

namespace tranter::providers {
namespace {

/// Longer than any call takes to change its queues, so that a callback which does not return, in
/// the middle of such a call, holds nobody up for good.
constexpr auto known_wait_max = std::chrono::milliseconds(100);

}  // namespace

JobsUnderWay::Ticket::Ticket(JobsUnderWay& under_way) : under_way_(&under_way) {
    const std::lock_guard lock(under_way.mutex_);
    entry_ = under_way.entries_.insert(
        under_way.entries_.end(), Entry{.number = ++under_way.last_number_}
    );
}

void JobsUnderWay::Ticket::set(std::shared_ptr<const FinishedJobs> jobs) {
    const std::lock_guard lock(under_way_->mutex_);
    entry_->known = true;
    entry_->jobs = std::move(jobs);
    if (under_way_->waiting_ > 0) under_way_->changed_.notify_all();
}

void JobsUnderWay::Ticket::give_back() {
    if (under_way_ == nullptr) return;
    std::list<Entry> gone;  // freed after the mutex is released
    const std::lock_guard lock(under_way_->mutex_);
    gone.splice(gone.end(), under_way_->entries_, entry_);
    if (under_way_->waiting_ > 0) under_way_->changed_.notify_all();
}

void JobsUnderWay::Ticket::end() {
    give_back();
    under_way_ = nullptr;
}

std::optional<history::JobEntry> JobsUnderWay::find(const Uuid& id) {
    std::list<std::shared_ptr<const FinishedJobs>> ended;
    {
        std::unique_lock lock(mutex_);
        const std::uint64_t last = last_number_;
        const auto all_known = [&] {
            return std::ranges::all_of(entries_, [&](const Entry& entry) {
                return entry.known || entry.number > last;
            });
        };
        ++waiting_;
        changed_.wait_for(lock, known_wait_max, all_known);
        --waiting_;
        for (const Entry& entry : entries_) {
            if (entry.jobs) ended.push_front(entry.jobs);
        }
    }
    const std::string text = format_uuid(id);
    std::optional<history::JobEntry> found;
    for (const auto& jobs : ended)
        found = history::later_end(std::move(found), jobs->find(text));
    return found;
}

}  // namespace tranter::providers
