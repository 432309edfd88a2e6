#pragma once

#include "postgres/listener.hpp"
#include "postgres/pool.hpp"
#include "schedule/store.hpp"

#include <memory>
#include <string>
#include <utility>

namespace tranter::schedule {

/// One connection, whose transactions count as calls of the store.
class MeasuredSession {
  public:
    MeasuredSession(const postgres::Target& target, std::string what, StoreMeter& meter)
        : session_(target, std::move(what), 1), meter_(meter) {}

    template <class Work>
    auto read(const Work& work) {
        return meter_.measured([&] { return session_.read(work); });
    }
    template <class Work>
    auto write(const Work& work) {
        return meter_.measured([&] { return session_.write(work); });
    }

  private:
    postgres::Pool session_;
    StoreMeter& meter_;
};

/// The store in a database of PostgreSQL, for schedulers on any number of machines. A connection
/// for calls and, once somebody waits, one for notifications; both are made again when they are
/// lost. With a pooler in between it has to be one that keeps sessions.
///
/// Every transaction locks schedules before runs, and schedules in the order of their names.
class PostgresStore final : public ScheduleStore {
  public:
    /// make_tables() comes first.
    explicit PostgresStore(const postgres::Target& target);

    /// Brings the tables to this version. Throws SystemError when a newer program has made them.
    Result<> make_tables();

    std::string_view name() const override { return "postgres"; }

    Result<std::vector<bool>> insert_new(std::span<const Schedule> schedules) override;
    Result<Schedule> find(std::string_view name) override;
    Result<std::vector<Schedule>> list(std::string_view after, std::size_t max) override;
    Result<std::uint64_t> update(const Schedule& schedule) override;
    Result<> remove(std::string_view name) override;

    Result<std::vector<Schedule>> due(TimePoint now, std::size_t max) override;
    Result<std::vector<Fired>> fire(
        std::span<const Firing> firings, TimePoint now, TimePoint claimed_until
    ) override;
    Result<std::vector<SlotRun>> take_runs(TimePoint now, TimePoint claimed_until, std::size_t max)
        override;
    Result<> settle_runs(std::span<const RunOutcome> outcomes, TimePoint now) override;
    Result<std::vector<SlotRun>> buffered(std::string_view after, std::size_t max) override;
    Result<bool> release(
        const RunKey& key, std::optional<TimePoint> claimed_until, std::string_view reason
    ) override;
    Result<std::vector<SlotRun>> runs_of(std::string_view schedule, std::size_t max, bool open_only)
        override;
    Result<OpenRuns> open_runs(std::string_view schedule) override;

    Result<> add_jobs(std::span<const ScheduledJob> jobs) override;
    Result<ScheduledJob> find_job(std::string_view id) override;
    Result<std::vector<std::optional<KnownJob>>> known_jobs(std::span<const std::string> ids
    ) override;
    Result<std::vector<ScheduledJob>> list_jobs(
        const std::optional<JobPlace>& after, std::size_t max
    ) override;
    Result<> cancel_job(std::string_view id, TimePoint now) override;
    Result<> reschedule_job(std::string_view id, TimePoint due, TimePoint now) override;
    Result<std::vector<ScheduledJob>> take_jobs(
        TimePoint now, TimePoint claimed_until, std::size_t max
    ) override;
    Result<> settle_jobs(std::span<const JobOutcome> outcomes, TimePoint now) override;
    Result<std::unique_ptr<JointWork>> join(Provider& provider) override;

    Result<NextWork> next_work() override;
    Result<StoreOverview> overview(TimePoint now, std::size_t soonest_max) override;
    Result<Lease> take_lease(
        std::string_view role, std::string_view owner, TimePoint now, TimePoint until
    ) override;
    Result<std::optional<Lease>> find_lease(std::string_view role) override;
    Result<> release_lease(std::string_view role, std::string_view owner) override;
    Result<std::size_t> trim(TimePoint before, std::size_t max) override;

    int wake_fd() override { return listener_.fd(); }
    void drain_wake() override { listener_.drain(); }

  private:
    MeasuredSession session_;
    postgres::Listener listener_;
};

/// Wakes those who sleep on wake_fd() once the transaction is committed. Not for what only concerns
/// the caller: notifications are committed one after the other.
void notify_sleepers(postgres::Connection& connection);

}  // namespace tranter::schedule
