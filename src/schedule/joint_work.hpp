#pragma once

#include "base/error.hpp"

#include <tranter/job.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tranter::schedule {

struct HeldRun;

/// Jobs are enqueued in the same transaction in which the store writes that they are, for a store
/// of jobs in the same database. Who dies at any point leaves both or nothing, so that no job is
/// there twice whatever the store of jobs has forgotten meanwhile.
///
/// One answer for each; empty when the caller does not hold it any more, and nothing was done with
/// it. After an error nothing was done with any of them; `unavailable` as far as is known, as of
/// every store. What was refused is not written down: see ScheduleStore::settle_runs().
class JointWork {
  public:
    using Answers = std::vector<std::optional<Enqueued>>;

    JointWork() = default;
    virtual ~JointWork() = default;
    JointWork(const JointWork&) = delete;
    JointWork& operator=(const JointWork&) = delete;

    [[nodiscard]] virtual Result<Answers> enqueue_runs(
        std::string_view queue, std::span<const HeldRun> runs, TimePoint now
    ) = 0;
    /// Of jobs for later, by their ids, all of which the caller holds until then.
    [[nodiscard]] virtual Result<Answers> enqueue_timers(
        std::string_view queue, std::span<const NewJob> jobs, TimePoint held_until, TimePoint now
    ) = 0;
};

}  // namespace tranter::schedule
