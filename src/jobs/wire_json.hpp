#pragma once

#include "base/error.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The bodies of the Jobs API (wire.hpp) between text and the types of provider.hpp, for its server
/// and for its client. Reading is strict: `invalid_argument` names the path, and unknown members
/// are refused. Payloads and results are trusted to be JSON when they are written.
namespace tranter::jobs {

/// One object gets one object as its answer, and an array an array.
struct NewJobs {
    std::vector<NewJob> jobs{};
    bool array = false;
};
[[nodiscard]] Result<NewJobs> read_new_jobs(std::string_view text);
std::string write_new_jobs(std::span<const NewJob> jobs);

/// Jobs for a store of schedules.
struct JobsForLater {
    std::vector<std::string> queues{};  // one for each job
    std::vector<NewJob> jobs{};
    bool array = false;
};
[[nodiscard]] Result<JobsForLater> read_jobs_for_later(std::string_view text);

/// Reads an array.
[[nodiscard]] Result<std::vector<Enqueued>> read_enqueued(std::string_view text);
std::string write_enqueued(std::span<const Enqueued> enqueued, bool array);

[[nodiscard]] Result<ReceiveRequest> read_receive_request(std::string_view text);
std::string write_receive_request(const ReceiveRequest& request);

[[nodiscard]] Result<std::vector<ReceivedJob>> read_received_jobs(std::string_view text);
std::string write_received_jobs(std::span<const ReceivedJob> jobs);

[[nodiscard]] Result<std::vector<Settlement>> read_settlements(std::string_view text);
std::string write_settlements(std::span<const Settlement> settlements);
/// One settlement; `call` is complete, fail, release, snooze, dead or stop.
[[nodiscard]] Result<Settlement> read_settlement(std::string_view call, std::string_view text);

/// Of the error it writes: title is that of HTTP, code the name of the Errc.
std::string write_problem(const Error& error);
/// The error that a body says; one with the status and the body's begin when it is no problem.
Error read_problem(int status, std::string_view text);

[[nodiscard]] Result<std::vector<Result<>>> read_results(std::string_view text);
std::string write_results(std::span<const Result<>> results);

struct ExtendRequest {
    std::vector<std::string> receipts{};
    Milliseconds lease{};
    bool single = false;  // asked with `receipt`
};
[[nodiscard]] Result<ExtendRequest> read_extend_request(std::string_view text);
std::string write_extend_request(std::span<const std::string> receipts, Milliseconds lease);
[[nodiscard]] Result<std::vector<Result<Extended>>> read_extended(std::string_view text);
std::string write_extended(std::span<const Result<Extended>> results);

[[nodiscard]] Result<JobRecord> read_job_record(std::string_view text);
std::string write_job_record(const JobRecord& job);
[[nodiscard]] Result<JobPage> read_job_page(std::string_view text);
std::string write_job_page(const JobPage& page);

[[nodiscard]] Result<JobEvent> read_job_event(std::string_view text);
std::string write_job_event(const JobEvent& event);

}  // namespace tranter::jobs
