#pragma once

#include "worker/task.hpp"

#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/registry.hpp>
#include <tranter/worker.hpp>

#include <cstdint>

namespace tranter::worker {

/// Calls handlers. Thread-safe.
class Runner {
  public:
    /// Both outlive it. `keeps_deadlines`: the store hands out no job whose deadline has passed.
    Runner(const Registry& handlers, UnknownType unknown_type, bool keeps_deadlines)
        : handlers_(handlers), unknown_type_(unknown_type), keeps_deadlines_(keeps_deadlines) {}

    /// Executes a run, unless the job was stopped before it began. Never throws.
    AttemptOutcome execute(Task& task, std::uint32_t run, TimePoint now) const;
    bool keeps_deadlines() const { return keeps_deadlines_; }

  private:
    AttemptOutcome unknown(const ReceivedJob& job) const;

    const Registry& handlers_;
    const UnknownType unknown_type_;
    const bool keeps_deadlines_;
};

}  // namespace tranter::worker
