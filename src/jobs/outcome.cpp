#include <tranter/client.hpp>
#include <tranter/outcome.hpp>
#include <tranter/registry.hpp>

#include <fmt/format.h>

namespace tranter::detail {

namespace {

std::string_view errc_name(Errc code) {
    switch (code) {
        case Errc::not_found:
            return "not_found";
        case Errc::invalid_argument:
            return "invalid_argument";
        case Errc::already_exists:
            return "already_exists";
        case Errc::conflict:
            return "conflict";
        case Errc::limit_exceeded:
            return "limit_exceeded";
        case Errc::unavailable:
            return "unavailable";
        case Errc::timed_out:
            return "timed_out";
        case Errc::cancelled:
            return "cancelled";
        case Errc::unsupported:
            return "unsupported";
        case Errc::unauthenticated:
            return "unauthenticated";
        case Errc::permission_denied:
            return "permission_denied";
        case Errc::corrupted:
            return "corrupted";
        case Errc::internal:
            return "internal";
    }
    return "unknown";
}

std::string_view state_name(JobState state) {
    switch (state) {
        case JobState::pending:
            return "pending";
        case JobState::scheduled:
            return "scheduled";
        case JobState::processing:
            return "processing";
        case JobState::completed:
            return "completed";
        case JobState::failed:
            return "failed";
        case JobState::dead:
            return "dead";
        case JobState::cancelled:
            return "cancelled";
    }
    return "unknown";
}

}  // namespace

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
        .type = std::string(errc_name(error.code())),
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
            state_name(job.state),
            why.empty() ? "" : ": ",
            why
        )
    );
}

}  // namespace tranter::detail
