#pragma once

#include <tranter/context.hpp>
#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/registry.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What becomes of an attempt.
namespace tranter::worker {

/// Of the exception that is being handled: the name of its type, and what it says.
Failed failure_of_current_exception();

/// Text that every store can keep: UTF-8, and not longer than what somebody reads.
std::string presentable(std::string_view text);

/// Whether the store knows it already: see settled().
bool is_settled(const AttemptOutcome& outcome);

/// The runs of one attempt together, of which there is at least one: completed when as many are as
/// `options.success` says, with their results as an array. Else what the worst of them says: dead,
/// failed, snoozed, stopped, released.
AttemptOutcome combine(std::vector<AttemptOutcome> runs, const JobOptions& options);

/// What is told to the store when the handler says `outcome` after it was asked to stop for
/// `reason`. `random` is 64 random bits.
AttemptOutcome conclude(
    const ReceivedJob& job,
    const HandlerOptions& options,
    StopReason reason,
    AttemptOutcome outcome,
    std::uint64_t random
);

}  // namespace tranter::worker
