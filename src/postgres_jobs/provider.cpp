#include "postgres_jobs/provider.hpp"

#include "postgres/job_transactions.hpp"
#include "postgres/migrate.hpp"
#include "postgres/target.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/poll_interval.hpp"
#include "postgres_jobs/schema.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr Capabilities everything{
    .look_up = true,
    .list = true,
    .history = true,
    .priorities = true,
    .groups = true,
    .dedup = true,
    .ttl = true,
    .cancel_running = true,
    .progress = true,
    .steps = true,
    .pause = true,
    .limits = true,
    .events = true,
    .workers = true,
    .atomic_batch = true};

class PostgresProvider : public Provider, public postgres::JobTransactions {
  public:
    PostgresProvider(const postgres::Target& target, std::chrono::milliseconds poll_interval)
        : store_(target, poll_interval) {}
    ~PostgresProvider() override { close(); }
    PostgresProvider(const PostgresProvider&) = delete;
    PostgresProvider& operator=(const PostgresProvider&) = delete;

    std::string_view name() const override { return "postgres"; }
    const Capabilities& capabilities() const override { return capabilities_; }

    Result<> make_tables() {
        return store_.pool.bare([](postgres::Connection& connection) -> Result<> {
            postgres::migrate(connection, schema_room, migrations());
            return {};
        });
    }

    /// Through some poolers nothing can be heard.
    Result<> look_for_pooler() {
        return store_.pool.bare([this](postgres::Connection& connection) -> Result<> {
            if (connection.is_pooled()) store_.notifications.probe();
            capabilities_.events = !store_.notifications.is_deaf();
            return {};
        });
    }

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override {
        return enqueue_jobs(store_, queue, jobs);
    }
    Result<std::vector<Enqueued>> enqueue_in(
        postgres::Connection& connection, std::string_view queue, std::span<const NewJob> jobs
    ) override {
        return enqueue_jobs_in(connection, queue, jobs);
    }
    Result<bool> sees_lock(std::int64_t key) override { return is_locked(store_, key); }
    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override {
        return receive_jobs(store_, request);
    }
    Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) override {
        return settle_jobs(store_, queue, settlements);
    }
    Result<std::vector<Result<Extended>>> extend(
        std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
    ) override {
        return extend_leases(store_, queue, receipts, lease);
    }

    Result<> set_progress(std::string_view queue, std::string_view receipt, std::string_view json)
        override {
        return postgres_jobs::set_progress(store_, queue, receipt, json);
    }
    Result<> append_log(
        std::string_view queue, std::string_view receipt, std::span<const std::string> lines
    ) override {
        return postgres_jobs::append_log(store_, queue, receipt, lines);
    }
    Result<> save_step(std::string_view queue, std::string_view receipt, const Step& step)
        override {
        return postgres_jobs::save_step(store_, queue, receipt, step);
    }

    Result<JobRecord> find(std::string_view id) override { return find_job(store_, id); }
    Result<LogPage> log_of(std::string_view id) override { return log_of_job(store_, id); }
    Result<JobPage> list(const ListRequest& request) override { return list_jobs(store_, request); }
    Result<Cancelled> cancel(std::string_view id) override { return cancel_job(store_, id); }
    Result<> retry(std::string_view id) override { return retry_job(store_, id); }
    Result<> promote(std::string_view id) override { return promote_job(store_, id); }
    Result<> remove(std::string_view id) override { return remove_job(store_, id); }
    Result<JobRecord> wait(std::string_view id, Milliseconds timeout) override {
        return wait_for_job(store_, id, timeout);
    }

    Result<std::vector<QueueStats>> queues() override { return all_queues(store_); }
    Result<QueueStats> stats(std::string_view queue) override {
        return stats_of_queue(store_, queue);
    }
    Result<std::vector<WorkerInfo>> workers() override { return all_workers(store_); }
    Result<> set_paused(std::string_view queue, bool paused) override {
        return postgres_jobs::set_paused(store_, queue, paused);
    }
    Result<> set_limits(std::string_view queue, const QueueLimits& limits) override {
        return postgres_jobs::set_limits(store_, queue, limits);
    }
    Result<std::shared_ptr<void>> subscribe(Listener listener) override {
        return store_.events.subscribe(std::move(listener));
    }

    std::optional<ConnectionMetrics> connections() const override {
        const postgres::PoolMetrics pool = store_.pool.metrics();
        ConnectionMetrics all{
            .most = postgres::Pool::connections_max,
            .open = pool.open,
            .busy = pool.busy,
            .waits = pool.waits,
            .made = pool.made,
            .failed = pool.failed,
            .listening = store_.notifications.metrics(Channel::jobs)};
        for (std::size_t i = 0; i < postgres::troubles; ++i)
            all.errors.push_back({postgres::trouble_names[i], pool.errors[i]});
        return all;
    }

    void close() override { store_.close(); }

  private:
    Capabilities capabilities_ = everything;  // constant once it is open
    Store store_;
};

}  // namespace

Result<std::shared_ptr<Provider>>
open_postgres_provider(std::string_view url, const ProviderOptions&) {
    const auto target = postgres::parse_target(url);
    if (!target) return std::unexpected(target.error());
    const auto poll_interval = poll_interval_from_environment();
    if (!poll_interval) return std::unexpected(poll_interval.error());
    auto provider = std::make_shared<PostgresProvider>(*target, *poll_interval);
    try {
        if (auto made = provider->make_tables(); !made) return std::unexpected(made.error());
        if (auto seen = provider->look_for_pooler(); !seen) return std::unexpected(seen.error());
    } catch (const postgres::DatabaseError& error) {
        return fail(
            Errc::unavailable,
            fmt::format("cannot open the store of jobs in PostgreSQL: {}", error.what())
        );
    } catch (const SystemError& error) {  // does not mend itself
        return fail(
            Errc::conflict,
            fmt::format("cannot open the store of jobs in PostgreSQL: {}", error.what())
        );
    }
    return provider;
}

}  // namespace tranter::postgres_jobs
