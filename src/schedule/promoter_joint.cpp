#include "base/log.hpp"
#include "schedule/promoter.hpp"

#include <utility>

// Where jobs and schedules share a database.
namespace tranter::schedule {

JointWork* Promoter::joint() {
    if (joint_) return joint_->get();
    auto made = store_.join(provider_);
    if (!made) return nullptr;  // does not answer, which the calls that follow will say
    if (*made) {
        log_info("schedule", "jobs are enqueued in the transactions of the store of schedules");
    }
    return joint_.emplace(std::move(*made)).get();
}

EnqueueJointly Promoter::jointly(std::span<const Claim> claims, std::span<const Parcel> parcels) {
    JointWork* const work = joint();
    if (work == nullptr) return {};
    return [this, work, claims, parcels](
               const std::string& queue, std::span<const std::size_t> places
           ) {
        std::vector<HeldRun> runs;
        runs.reserve(places.size());
        for (const std::size_t place : places) {
            const SlotRun& run = claims[place].run;
            runs.push_back(
                {.key = run.key,
                 .held_until = run.claimed_until.value_or(TimePoint()),
                 .job = parcels[place].job}
            );
        }
        return work->enqueue_runs(queue, runs, now_());
    };
}

EnqueueJointly Promoter::jointly(std::span<const Parcel> timers, TimePoint held_until) {
    JointWork* const work = joint();
    if (work == nullptr) return {};
    return [this, work, timers, held_until](
               const std::string& queue, std::span<const std::size_t> places
           ) {
        std::vector<NewJob> jobs;
        jobs.reserve(places.size());
        for (const std::size_t place : places)
            jobs.push_back(timers[place].job);
        return work->enqueue_timers(queue, jobs, held_until, now_());
    };
}

}  // namespace tranter::schedule
