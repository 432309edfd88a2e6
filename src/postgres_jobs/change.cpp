#include "jobs/job_json.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/job_ids.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// What people do to jobs by their ids; manage_functions.cpp does it.
namespace tranter::postgres_jobs {
namespace {

using postgres::Connection;
using postgres::Parameter;

constexpr postgres::Statement cancel_one("SELECT tranter.cancel_job($1::uuid)");
constexpr postgres::Statement retry_one("SELECT tranter.retry_job($1::uuid)");
constexpr postgres::Statement promote_one("SELECT tranter.promote_job($1::uuid)");
constexpr postgres::Statement remove_one("SELECT tranter.remove_job($1::uuid)");
constexpr postgres::Statement find_expiry(R"sql(
    SELECT options, tranter.micros(clock_timestamp())
    FROM tranter.finished_jobs WHERE id = $1::uuid)sql");
constexpr postgres::Statement revive_one(R"sql(
    SELECT tranter.revive_job(
        $1::uuid, timestamptz 'epoch' + $2::bigint * interval '1 microsecond'))sql");

constexpr std::string_view held_by = "held by ";

std::unexpected<Error> wrong_state(
    std::string_view id, std::string_view state, std::string_view what
) {
    return fail(Errc::conflict, fmt::format("job {} is {}, {}", id, state, what));
}

std::unexpected<Error> not_finished(std::string_view id, std::string_view why) {
    return fail(Errc::conflict, fmt::format("job {} is not finished, {}", id, why));
}

std::unexpected<Error> key_is_held(std::string_view id, std::string_view answer) {
    return fail(
        Errc::conflict,
        fmt::format(
            "job {} has the same dedup key as job {}, which is there instead",
            id,
            answer.substr(held_by.size())
        )
    );
}

/// What a function of manage_functions.cpp said; nothing: there is no such job.
std::optional<std::string> answer_of(
    Connection& connection,
    const postgres::Statement& statement,
    std::span<const Parameter> parameters
) {
    const auto rows = connection.execute(statement, parameters);
    if (rows.is_null(0, 0)) return std::nullopt;
    return std::string(rows.text(0, 0));
}

/// From when a job that lives again need not begin any more. The moment by which it had to begin
/// the first time is over, or this would end it again at once.
Parameter expiry_of(const JobOptions& options, TimePoint now) {
    std::optional<TimePoint> until;
    if (options.ttl.count() > 0) until = now + options.ttl;
    if (options.deadline && *options.deadline > now) {
        until = until ? std::min(*until, *options.deadline) : *options.deadline;
    }
    if (!until) return std::nullopt;
    return fmt::format("{}", until->time_since_epoch().count());
}

/// A job of the history is pending again.
Result<> revive(Connection& connection, const std::string& id) {
    const auto rows = connection.execute(find_expiry, std::array<Parameter, 1>{id});
    if (rows.empty()) return no_such_job(id);
    const auto options = jobs::options_from_json(rows.text(0, 0));
    if (!options) return std::unexpected(options.error());
    const TimePoint now(std::chrono::microseconds(rows.integer(0, 1)));
    const std::array<Parameter, 2> parameters{id, expiry_of(*options, now)};
    const auto answer = answer_of(connection, revive_one, parameters);
    if (!answer) return no_such_job(id);
    if (*answer == "done") return {};
    return key_is_held(id, *answer);
}

template <class Change>
auto change_job(Store& store, std::string_view id, Change change)
    -> decltype(change(std::declval<Connection&>(), std::declval<const std::string&>())) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    return store.pool.write([&](Connection& connection) { return change(connection, *uuid); });
}

}  // namespace

Result<Cancelled> cancel_job(Store& store, std::string_view id) {
    return change_job(
        store,
        id,
        [](Connection& connection, const std::string& uuid) -> Result<Cancelled> {
            const auto answer = answer_of(connection, cancel_one, std::array<Parameter, 1>{uuid});
            if (!answer) return no_such_job(uuid);
            if (*answer == "removed") return Cancelled::removed;
            if (*answer == "requested") return Cancelled::requested;
            return wrong_state(uuid, *answer, "and cannot be cancelled");
        }
    );
}

Result<> retry_job(Store& store, std::string_view id) {
    return change_job(store, id, [](Connection& connection, const std::string& uuid) -> Result<> {
        const auto answer = answer_of(connection, retry_one, std::array<Parameter, 1>{uuid});
        if (!answer) return revive(connection, uuid);
        if (*answer == "done") return {};
        if (answer->starts_with(held_by)) return key_is_held(uuid, *answer);
        return wrong_state(uuid, *answer, "only ended jobs are retried");
    });
}

Result<> promote_job(Store& store, std::string_view id) {
    return change_job(store, id, [](Connection& connection, const std::string& uuid) -> Result<> {
        const auto answer = answer_of(connection, promote_one, std::array<Parameter, 1>{uuid});
        if (!answer) return no_such_job(uuid);
        if (*answer == "done") return {};
        return wrong_state(uuid, *answer, "only scheduled and failed jobs are promoted");
    });
}

Result<> remove_job(Store& store, std::string_view id) {
    return change_job(store, id, [](Connection& connection, const std::string& uuid) -> Result<> {
        const auto answer = answer_of(connection, remove_one, std::array<Parameter, 1>{uuid});
        if (!answer) return no_such_job(uuid);
        if (*answer == "done") return {};
        if (*answer == "open") return not_finished(uuid, "it can be cancelled");
        return not_finished(uuid, "somebody has received it from its dead-letter queue");
    });
}

}  // namespace tranter::postgres_jobs
