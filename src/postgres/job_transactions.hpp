#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"

#include <tranter/job.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tranter::postgres {

/// What a provider is besides, when its jobs stand in a database of PostgreSQL: whoever has rows of
/// his own in the same database enqueues jobs in the transaction that changes them. Thread-safe.
class JobTransactions {
  public:
    JobTransactions() = default;
    virtual ~JobTransactions() = default;
    JobTransactions(const JobTransactions&) = delete;
    JobTransactions& operator=(const JobTransactions&) = delete;

    /// Whether somebody has the advisory lock `key` in the database of the jobs. Who has just taken
    /// one, with a number that nobody else has, knows from it whether that is the same database of
    /// the same server that runs now: names and addresses do not tell, and a copy has all the
    /// numbers of its original. `unavailable` when the database does not answer.
    [[nodiscard]] virtual Result<bool> sees_lock(std::int64_t key) = 0;
    /// As Provider::enqueue(), in the transaction that was begun on `connection`, and with its
    /// errors for what is wrong with a call. Throws DatabaseError for what the database refuses,
    /// which has then refused the whole transaction.
    [[nodiscard]] virtual Result<std::vector<Enqueued>> enqueue_in(
        Connection& connection, std::string_view queue, std::span<const NewJob> jobs
    ) = 0;
};

}  // namespace tranter::postgres
