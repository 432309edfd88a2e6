#pragma once

#include "cli/args.hpp"
#include "cli/bulk.hpp"
#include "cli/job_session.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tranter::cli {

/// Collects jobs into batches and enqueues each when it is full. A batch that a store with atomic
/// batches refuses is taken apart until it is known which job is to blame; the others go in.
class BulkEnqueue {
  public:
    BulkEnqueue(JobSession& session, std::string queue, Pace pace);

    std::uint64_t enqueued() const { return enqueued_; }
    std::uint64_t duplicates() const { return duplicates_; }
    Refusals& refusals() { return refusals_; }

    /// Fails when it is of no use to go on, and says for which lines.
    [[nodiscard]] Result<> add(std::uint64_t line, NewJob job);
    [[nodiscard]] Result<> flush();

  private:
    JobSession& session_;
    std::string queue_;
    Pace pace_;
    Refusals refusals_;
    std::vector<NewJob> jobs_{};
    std::vector<std::uint64_t> lines_{};  // of jobs_
    std::size_t bytes_ = 0;
    std::uint64_t enqueued_ = 0;
    std::uint64_t duplicates_ = 0;

    Result<> enqueue(std::span<const NewJob> jobs, std::span<const std::uint64_t> lines);
};

/// One job for each line of stdin: --bulk and --lines of `job enqueue`.
Result<int> enqueue_many(JobSession& session, const Arguments& arguments);

}  // namespace tranter::cli
