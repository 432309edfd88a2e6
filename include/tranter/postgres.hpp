#pragma once

#include <tranter/context.hpp>
#include <tranter/enqueue.hpp>
#include <tranter/error.hpp>
#include <tranter/job.hpp>
#include <tranter/outcome.hpp>
#include <tranter/payload.hpp>

#include <concepts>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

struct pg_conn;  // PGconn of libpq-fe.h

namespace tranter {

/// Jobs of a store in PostgreSQL as a part of a transaction that the caller has begun: they are
/// there once it is committed, and never were when it is not.
///
///     PQexec(db, "BEGIN");
///     PQexecParams(db, "INSERT INTO users ...", ...);
///     tranter::PostgresTransaction jobs(db);
///     const auto job = jobs.enqueue(SendWelcome{.user_id = 42});
///     PQexec(db, job ? "COMMIT" : "ROLLBACK");
///
/// The connection is of the caller's own making and of one thread at a time, in blocking mode and
/// in no pipeline, and outlives the object. Its user needs the right to call
/// tranter.enqueue_answered, as the role tranter_producer has it; complete() needs those of
/// tranter_worker.
///
/// Errors: `invalid_argument` as of Client, and when no transaction was begun. `limit_exceeded`.
/// `not_found` when the database has no tables of jobs, or older ones. `permission_denied`.
/// `conflict` when the transaction has to be begun anew, because others did the same.
/// `unavailable`, and what else the database says. What the database refused, it has refused the
/// whole transaction for, unless there was a savepoint.
class PostgresTransaction {
  public:
    explicit PostgresTransaction(pg_conn* connection) : connection_(connection) {}

    template <Job J>
    [[nodiscard]] Result<Enqueued> enqueue(const J& job, const EnqueueOptions& options = {}) {
        auto request = make_request(job, options);
        if (!request) return std::unexpected(std::move(request.error()));
        return enqueue(std::move(*request));
    }
    [[nodiscard]] Result<Enqueued> enqueue(JobRequest request);

    /// A vector, array or span of jobs, with the same options; answers are in order.
    template <class Jobs>
        requires Job<typename Jobs::value_type>
    [[nodiscard]] Result<std::vector<Enqueued>> enqueue_all(
        const Jobs& jobs, const EnqueueOptions& options = {}
    ) {
        std::vector<JobRequest> requests;
        requests.reserve(jobs.size());
        for (const auto& job : jobs) {
            auto request = make_request(job, options);
            if (!request) return std::unexpected(std::move(request.error()));
            requests.push_back(std::move(*request));
        }
        return enqueue_all(std::move(requests));
    }
    /// Of any types, for any queues. All or none: what PostgreSQL refuses ends the transaction.
    [[nodiscard]] Result<std::vector<Enqueued>> enqueue_all(std::vector<JobRequest> requests);

    /// Completes the job of a handler in the same transaction as what the handler does, so that its
    /// effects are there exactly once. The handler then commits, and returns settled(). Best done
    /// last: what was logged or noted as progress by then may be missing.
    ///
    /// `conflict` when the lease is lost, so that somebody else may have the job: do not commit.
    /// `unsupported` for a job with several runs.
    [[nodiscard]] Result<> complete(const Context& context) { return complete_with(context, {}); }
    template <class T>
    [[nodiscard]] Result<> complete(const Context& context, const T& result) {
        auto json = to_json(result);
        if (!json) return std::unexpected(std::move(json.error()));
        return complete_with(context, std::move(*json));
    }

  private:
    [[nodiscard]] Result<> complete_with(const Context& context, std::string result);

    pg_conn* connection_;
};

}  // namespace tranter
