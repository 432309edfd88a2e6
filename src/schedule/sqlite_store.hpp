#pragma once

#include "schedule/bell.hpp"
#include "schedule/store.hpp"
#include "sqlite/database.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tranter::schedule {

/// The store in one file of SQLite, which several processes of one machine may have open; not on a
/// network file system. What is written is on the disk when the call returns.
class SqliteStore final : public ScheduleStore {
  public:
    /// `:memory:` or a file, whose directory is made. Throws DatabaseError or SystemError.
    explicit SqliteStore(const std::string& path);

    std::string_view name() const override { return "sqlite"; }

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

    Result<NextWork> next_work() override;
    Result<StoreOverview> overview(TimePoint now, std::size_t soonest_max) override;
    Result<Lease> take_lease(
        std::string_view role, std::string_view owner, TimePoint now, TimePoint until
    ) override;
    Result<std::optional<Lease>> find_lease(std::string_view role) override;
    Result<> release_lease(std::string_view role, std::string_view owner) override;
    Result<std::size_t> trim(TimePoint before, std::size_t max) override;

    int wake_fd() override { return bell_ ? bell_->fd() : -1; }
    void drain_wake() override {
        if (bell_) bell_->drain();
    }

  private:
    /// Alone on the connection; what SQLite throws becomes an error.
    template <class Work>
    auto guarded(Work work) -> decltype(work()) {
        return meter_.measured([&]() -> decltype(work()) {
            const std::lock_guard lock(mutex_);
            try {
                return work();
            } catch (const sqlite::DatabaseError& error) {
                return std::unexpected(sqlite::error_of(error, "the store of schedules"));
            }
        });
    }
    /// As guarded(), for what others may wait for.
    template <class Work>
    auto announced(Work work) -> decltype(work()) {
        auto result = guarded(std::move(work));
        if (result && bell_) bell_->ring();
        return result;
    }

    Fired fire_one(const Firing& firing, TimePoint now, TimePoint claimed_until);
    void settle_run(const RunOutcome& outcome, TimePoint now);
    void note_enqueued(const RunOutcome& outcome);
    void note_error(const RunOutcome& outcome);

    std::mutex mutex_;
    sqlite::Database database_;  // guarded by mutex_
    std::unique_ptr<Bell> bell_{};
};

}  // namespace tranter::schedule
