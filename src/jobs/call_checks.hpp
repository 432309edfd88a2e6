#pragma once

#include <tranter/job.hpp>
#include <tranter/provider.hpp>

#include <cstddef>
#include <string_view>

/// What stores of our own look at before they take a call about deliveries. All errors are
/// `invalid_argument`.
namespace tranter::jobs {

[[nodiscard]] Result<> check_receive(const ReceiveRequest& request);
/// Results are JSON of limited length, rests not below zero.
[[nodiscard]] Result<> check_outcome(const AttemptOutcome& outcome);
/// Of a heartbeat: 1 s to 12 h.
[[nodiscard]] Result<> check_lease(Milliseconds lease);
[[nodiscard]] Result<> check_progress(std::string_view json);
/// Of one call.
[[nodiscard]] Result<> check_log_lines(std::size_t lines);
[[nodiscard]] Result<> check_step(const Step& step);
/// `limit_exceeded` when `step` makes the steps of a job longer than step_bytes_max.
[[nodiscard]] Result<> check_step_bytes(const Step& step, std::size_t bytes_of_all);

}  // namespace tranter::jobs
