#include "worker/runner.hpp"

#include "worker/conclusion.hpp"

#include <tranter/context.hpp>

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace tranter::worker {

namespace {

bool has_expired(const ReceivedJob& job, TimePoint now) {
    const JobOptions& options = job.options;
    if (options.deadline && *options.deadline <= now) return true;
    return options.ttl.count() != 0 && job.created_at + options.ttl <= now;
}

}  // namespace

AttemptOutcome Runner::execute(Task& task, std::uint32_t run, TimePoint now) const {
    if (task.claimed() || task.stop_reason() != StopReason::none) return Released{};
    const ReceivedJob& job = task.job();
    if (!keeps_deadlines_ && job.attempt == 1 && has_expired(job, now)) return Stopped{};
    if (task.entry() == nullptr) return unknown(job);
    Context context(job, run, task.stop_source().get_token(), task);
    try {
        return handlers_.run(*task.entry(), context);
    } catch (...) {
        return failure_of_current_exception();
    }
}

AttemptOutcome Runner::unknown(const ReceivedJob& job) const {
    std::string text = fmt::format("this worker has no handler for type {}", job.type);
    if (unknown_type_ == UnknownType::dead) {
        return Dead{.type = "unknown_type", .reason = std::move(text)};
    }
    return Failed{.type = "unknown_type", .text = std::move(text), .retry_after = std::nullopt};
}

}  // namespace tranter::worker
