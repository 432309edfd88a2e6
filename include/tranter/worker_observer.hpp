#pragma once

#include <tranter/error.hpp>
#include <tranter/job.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

/// What a worker tells of its attempts to those who measure or trace them.
namespace tranter {

enum class AttemptEnding : std::uint8_t {
    completed,
    failed,  // another attempt follows
    released,
    snoozed,
    dead,
    cancelled,
    lost,  // its lease had ended, or the store did not take the outcome
};

/// Valid during the call that gets it.
struct EndedAttempt {
    const ReceivedJob& job;
    /// What `job.options.traceparent` was before observers changed it.
    std::string_view enqueued_in;
    AttemptEnding ending = AttemptEnding::completed;
    std::string_view error_type{};  // failed, dead
    std::string_view error{};       // failed, dead, lost
    /// Of its handler; nothing when that has not begun.
    std::optional<TimePoint> begun_at{};
    std::optional<TimePoint> ended_at{};  // nothing either while the handler still runs
    /// False: the job came before this observer did, who was not asked about it in received().
    bool was_received = true;
};

/// Looks at what a worker does. Called from threads of the worker, several at a time, never under a
/// lock of it; must not block. What it throws is logged and goes no further.
class WorkerObserver {
  public:
    virtual ~WorkerObserver() = default;

    /// A job has come, and nobody has seen it yet. May change `job.options.traceparent`, so that
    /// its handler goes on in another span.
    virtual void received(ReceivedJob& /*job*/) {}
    /// The store knows how the attempt ended, or never will.
    virtual void ended(const EndedAttempt& /*attempt*/) {}
    /// A call to the store has failed, and will be made again.
    virtual void store_failed(std::string_view /*call*/, const Error& /*error*/) {}
};

}  // namespace tranter
