#pragma once

#include "postgres/job_transactions.hpp"
#include "schedule/postgres_store.hpp"

namespace tranter::schedule {

/// JointWork over the connection of the store, for jobs in its database. See ScheduleStore::join().
class PostgresJoint final : public JointWork {
  public:
    PostgresJoint(MeasuredSession& session, postgres::JobTransactions& jobs)
        : session_(session), jobs_(jobs) {}

    Result<Answers> enqueue_runs(
        std::string_view queue, std::span<const HeldRun> runs, TimePoint now
    ) override;
    Result<Answers> enqueue_timers(
        std::string_view queue, std::span<const NewJob> jobs, TimePoint held_until, TimePoint now
    ) override;

  private:
    /// `work` in a transaction; what it did after all when nobody has heard of its end. Both are
    /// functions of a Connection& that return Answers.
    template <class Work, class Look>
    Result<Answers> in_one_transaction(const Work& work, const Look& look);
    /// Throws Refused.
    std::vector<Enqueued> enqueue_in(
        postgres::Connection& connection, std::string_view queue, std::span<const NewJob> jobs
    );

    MeasuredSession& session_;
    postgres::JobTransactions& jobs_;
};

}  // namespace tranter::schedule
