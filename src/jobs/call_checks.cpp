#include "jobs/call_checks.hpp"

#include "jobs/new_jobs.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <variant>

namespace tranter::jobs {
namespace {

constexpr Milliseconds lease_min = std::chrono::seconds(1);
constexpr Milliseconds lease_max = std::chrono::hours(12);
constexpr Milliseconds rest_max = std::chrono::days(3650);
constexpr std::size_t version_bytes_max = 64;
constexpr std::size_t step_name_bytes_max = 128;
constexpr std::size_t log_lines_max = 10'000;

Result<> check_bytes(std::string_view what, std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("{} is {} bytes, limit is {}", what, text.size(), bytes_max)
    );
}

Result<> check_json(std::string_view what, std::string_view json, std::size_t bytes_max) {
    if (auto good = check_bytes(what, json, bytes_max); !good) return good;
    if (is_json_value(json)) return {};
    return fail(
        Errc::invalid_argument, fmt::format("{} is not JSON; text must stand in quotes", what)
    );
}

Result<> check_rest(std::string_view name, Milliseconds rest) {
    if (rest.count() >= 0 && rest <= rest_max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("{} is {}ms, it must be 0 to 3650 days", name, rest.count())
    );
}

}  // namespace

Result<> check_lease(Milliseconds lease) {
    if (lease >= lease_min && lease <= lease_max) return {};
    return fail(
        Errc::invalid_argument, fmt::format("lease is {}ms, it must be 1s to 12h", lease.count())
    );
}

Result<> check_receive(const ReceiveRequest& request) {
    if (request.jobs_max == 0 || request.jobs_max > jobs_per_call_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("jobs_max is {}, it must be 1 to {}", request.jobs_max, jobs_per_call_max)
        );
    }
    if (auto good = check_lease(request.lease); !good) return good;
    if (auto good = check_bytes("worker", request.worker, worker_name_bytes_max); !good) {
        return good;
    }
    return check_bytes("worker_version", request.worker_version, version_bytes_max);
}

Result<> check_outcome(const AttemptOutcome& outcome) {
    if (const auto* completed = std::get_if<Completed>(&outcome)) {
        if (completed->result.empty()) return {};
        return check_json("result", completed->result, result_bytes_max);
    }
    if (const auto* snoozed = std::get_if<Snoozed>(&outcome)) {
        return check_rest("after", snoozed->after);
    }
    if (const auto* failed = std::get_if<Failed>(&outcome); failed && failed->retry_after) {
        return check_rest("retry_after", *failed->retry_after);
    }
    return {};
}

Result<> check_progress(std::string_view json) {
    return check_json("progress", json, progress_bytes_max);
}

Result<> check_log_lines(std::size_t lines) {
    if (lines <= log_lines_max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("{} lines in one call, limit is {}", lines, log_lines_max)
    );
}

Result<> check_step(const Step& step) {
    if (step.name.empty() || step.name.size() > step_name_bytes_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "name of a step is {} bytes, it must be 1 to {}",
                step.name.size(),
                step_name_bytes_max
            )
        );
    }
    return check_json("result of a step", step.result, step_bytes_max);
}

Result<> check_step_bytes(const Step& step, std::size_t bytes_of_all) {
    if (bytes_of_all <= step_bytes_max) return {};
    return fail(
        Errc::limit_exceeded,
        fmt::format(
            "with step {} the steps of the job are {} bytes, limit is {}",
            step.name,
            bytes_of_all,
            step_bytes_max
        )
    );
}

}  // namespace tranter::jobs
