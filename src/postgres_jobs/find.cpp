#include "base/log_text.hpp"
#include "base/uuid.hpp"
#include "history/entry.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/job_ids.hpp"
#include "postgres_jobs/job_rows.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace tranter::postgres_jobs {
namespace {

constexpr std::size_t shown_id_bytes_max = 64;

const postgres::Statement& find_live_statement() {
    static const std::string sql = fmt::format(
        "SELECT {} FROM tranter.jobs j {} WHERE j.id = $1::uuid", live_columns, live_tables
    );
    static const postgres::Statement statement(sql.c_str());
    return statement;
}

const postgres::Statement& find_ended_statement() {
    static const std::string sql =
        fmt::format("SELECT {} FROM tranter.finished_jobs j WHERE j.id = $1::uuid", ended_columns);
    static const postgres::Statement statement(sql.c_str());
    return statement;
}

constexpr postgres::Statement find_lines(R"sql(
    SELECT l.number, line FROM tranter.job_logs l, unnest(l.lines) WITH ORDINALITY u(line, place)
    WHERE l.job_id = $1::uuid ORDER BY l.number, place)sql");

constexpr postgres::Statement is_there(R"sql(
    SELECT EXISTS(SELECT FROM tranter.jobs WHERE id = $1::uuid)
        OR EXISTS(SELECT FROM tranter.finished_jobs WHERE id = $1::uuid))sql");

}  // namespace

Result<std::string> read_job_id(std::string_view id) {
    if (const auto uuid = parse_uuid(id)) return format_uuid(*uuid);
    return no_such_job(id);
}

std::unexpected<Error> no_such_job(std::string_view id) {
    return fail(
        Errc::not_found,
        fmt::format("there is no job {}", one_line(id.substr(0, shown_id_bytes_max)))
    );
}

Result<JobRecord> find_job(Store& store, std::string_view id) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    const std::array<postgres::Parameter, 1> parameters{*uuid};
    return store.pool.read([&](postgres::Connection& connection) -> Result<JobRecord> {
        // Between two looks a job may go from one table to the other, and back by hand.
        for (int looks = 0; looks < 2; ++looks) {
            for (const auto* statement : {&find_live_statement(), &find_ended_statement()}) {
                const auto rows = connection.execute(*statement, parameters);
                if (!rows.empty()) return read_record(rows, 0);
            }
        }
        return no_such_job(*uuid);
    });
}

Result<LogPage> log_of_job(Store& store, std::string_view id) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    const std::array<postgres::Parameter, 1> parameters{*uuid};
    return store.pool.read([&](postgres::Connection& connection) -> Result<LogPage> {
        const auto rows = connection.execute(find_lines, parameters);
        if (rows.empty() && !connection.execute(is_there, parameters).boolean(0, 0)) {
            return no_such_job(*uuid);
        }
        history::LogLines log;
        if (!rows.empty()) log.add_dropped(static_cast<std::uint64_t>(rows.integer(0, 0)));
        for (std::size_t row = 0; row < rows.size(); ++row)
            log.append(rows.text(row, 1));
        return LogPage{.lines = {log.lines().begin(), log.lines().end()}, .dropped = log.dropped()};
    });
}

}  // namespace tranter::postgres_jobs
