#include "postgres_jobs/maintenance.hpp"

#include "base/log.hpp"
#include "base/stop.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

using postgres::Connection;
using postgres::Parameter;

constexpr Duration between_rounds = std::chrono::seconds(60);

constexpr postgres::Statement claim_round("SELECT tranter.claim_maintenance($1::boolean)");
constexpr postgres::Statement end_round("SELECT tranter.end_maintenance()");
constexpr postgres::Statement begin_period("SELECT tranter.begin_period()");
// Whoever began to settle jobs before a period ended has done so a minute later.
constexpr postgres::Statement index_period("SELECT tranter.index_period(interval '1 minute')");
constexpr postgres::Statement detach_period("SELECT tranter.detach_period()");
constexpr postgres::Statement drop_period("SELECT tranter.drop_period()");
constexpr postgres::Statement forget_others("SELECT tranter.forget_others()");
// Held until the transaction of the step ends: behind a pooler, and when we are killed meanwhile.
constexpr postgres::Statement lock_step(
    "SELECT pg_try_advisory_xact_lock(1416779650, hashtext($1::text))"
);
constexpr postgres::Statement who_am_i("SELECT pg_backend_pid()");
// The session may do something else by now.
constexpr postgres::Statement cancel_other(R"sql(
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE pid = $1::integer AND query LIKE 'SELECT tranter.%_period(%')sql");

struct StepEnd {
    std::optional<std::int64_t> done{};  // nothing: there was nothing to do
    bool is_skipped = false;             // somebody is at it, even if his claim is over by now
};

/// One step in one transaction, which may take its time.
Result<StepEnd> step(
    postgres::Pool& pool, const postgres::Statement& statement, const std::stop_token& stop
) {
    return pool.write([&](Connection& connection) -> Result<StepEnd> {
        if (stop.stop_requested()) return StepEnd();
        if (!connection.execute(lock_step, std::array<Parameter, 1>{statement.sql()})
                 .boolean(0, 0)) {
            return StepEnd{.is_skipped = true};
        }
        connection.run("SET LOCAL statement_timeout = '1h'");
        const postgres::Patience patience(connection, std::chrono::hours(2));
        const std::string session(connection.execute(who_am_i).text(0, 0));
        const std::stop_callback cancel(stop, [&pool, &session] {
            std::ignore = pool.once([&session](Connection& other) -> Result<> {
                other.execute(cancel_other, std::array<Parameter, 1>{session});
                return {};
            });
        });
        const auto rows = connection.execute(statement);
        if (rows.is_null(0, 0)) return StepEnd();
        return StepEnd{.done = rows.integer(0, 0)};
    });
}

/// A step as often as there is something to do.
struct StepEnds {
    std::vector<std::int64_t> done{};
    bool is_skipped = false;
};

Result<StepEnds> all_steps(
    postgres::Pool& pool, const postgres::Statement& statement, const std::stop_token& stop
) {
    StepEnds ends;
    while (true) {
        const auto one = step(pool, statement, stop);
        if (!one) return std::unexpected(one.error());
        ends.is_skipped = one->is_skipped;
        if (!one->done) return ends;
        ends.done.push_back(*one->done);
    }
}

Result<> all_of(postgres::Pool& pool, Maintained& maintained, const std::stop_token& stop) {
    // Before the next period begins, as that one's rows are not to be counted yet.
    std::vector<std::int64_t> detached;
    const std::array<std::pair<const postgres::Statement*, std::vector<std::int64_t>*>, 4> steps{
        {{&index_period, &maintained.indexed},
         {&begin_period, &maintained.begun},
         {&detach_period, &detached},
         {&drop_period, &maintained.dropped}}};
    Result<> all = {};
    for (const auto& [statement, done] : steps) {
        auto some = all_steps(pool, *statement, stop);
        // Whatever cannot be indexed, there has to be room.
        if (some) {
            *done = std::move(some->done);
            if (some->is_skipped) ++maintained.skipped;
        } else if (all) {
            all = std::unexpected(some.error());
        }
    }
    const auto forgotten = step(pool, forget_others, stop);
    if (forgotten) {
        maintained.forgotten = static_cast<std::uint64_t>(forgotten->done.value_or(0));
        if (forgotten->is_skipped) ++maintained.skipped;
    } else if (all) {
        all = std::unexpected(forgotten.error());
    }
    return all;
}

}  // namespace

Result<Maintained> maintain(
    postgres::Pool& pool, MaintenanceTime when, const std::stop_token& stop
) {
    const auto claimed = pool.write([when](Connection& connection) -> Result<bool> {
        const std::array<Parameter, 1> parameters{when == MaintenanceTime::now ? "t" : "f"};
        return connection.execute(claim_round, parameters).boolean(0, 0);
    });
    if (!claimed) return std::unexpected(claimed.error());
    if (!*claimed) return Maintained{.is_other_busy = true};
    Maintained maintained;
    auto done = all_of(pool, maintained, stop);
    const auto ended = pool.write([](Connection& connection) -> Result<> {
        connection.execute(end_round);
        return {};
    });
    if (!done) return std::unexpected(done.error());
    if (!ended) return std::unexpected(ended.error());
    return maintained;
}

void Maintainer::begin() {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable() || stop_.stop_requested()) return;
    thread_ = std::thread([this] { run(); });
}

void Maintainer::close() {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void Maintainer::run() const {
    while (rest(between_rounds, stop_.get_token())) {
        const auto done = maintain(pool_, MaintenanceTime::when_due, stop_.get_token());
        if (!done) {
            log_warn("jobs", "maintenance failed", {{"error", done.error().message()}});
            continue;
        }
        if (done->begun.empty() && done->indexed.empty() && done->dropped.empty()) continue;
        log_info(
            "jobs",
            "history maintained",
            {{"periods_begun", done->begun.size()},
             {"periods_indexed", done->indexed.size()},
             {"periods_dropped", done->dropped.size()}}
        );
    }
}

}  // namespace tranter::postgres_jobs
