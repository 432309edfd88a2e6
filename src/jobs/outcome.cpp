#include "jobs/problem.hpp"
#include "jobs/state_name.hpp"

#include <tranter/client.hpp>
#include <tranter/outcome.hpp>
#include <tranter/registry.hpp>

#include <fmt/format.h>

namespace tranter::detail {

AttemptOutcome completed_with(Result<std::string> result) {
    if (!result) {
        return Dead{
            .type = "result",
            .reason = fmt::format("the result cannot be kept: {}", result.error().message())};
    }
    if (result->size() > result_bytes_max) {
        return Dead{
            .type = "result",
            .reason = fmt::format(
                "the result cannot be kept: it is {} bytes, limit is {}",
                result->size(),
                result_bytes_max
            )};
    }
    return Completed{.result = std::move(*result)};
}

AttemptOutcome failed_with(const Error& error) {
    return Failed{
        .type = std::string(jobs::problem_kind(error.code()).name),
        .text = error.message(),
        .retry_after = std::nullopt};
}

AttemptOutcome unreadable_payload(const Error& error) {
    return Dead{.type = "payload", .reason = fmt::format("payload: {}", error.message())};
}

Result<> check_completed(const JobRecord& job) {
    if (job.state == JobState::completed) return {};
    std::string why = job.reason;
    if (why.empty() && !job.failures.empty()) why = job.failures.back().text;
    return fail(
        Errc::conflict,
        fmt::format(
            "job {} has no result, it is {}{}{}",
            job.id,
            jobs::state_name(job.state),
            why.empty() ? "" : ": ",
            why
        )
    );
}

}  // namespace tranter::detail
