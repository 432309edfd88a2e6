#include "postgres_jobs/list_live.hpp"

#include "base/log_text.hpp"
#include "history/record_match.hpp"
#include "jobs/queue_name.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/job_rows.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using postgres::Parameter;

struct OpenQueue {
    std::int64_t id = 0;
    std::string name{};
};

/// Which queues have a job, by the index of each state, so that many empty ones cost nothing.
constexpr postgres::Statement queues_with_jobs(R"sql(
    SELECT q.id, q.name FROM tranter.queues q
    WHERE q.name >= $1 AND ($2::text IS NULL OR q.name = $2) AND (
        EXISTS(SELECT FROM tranter.jobs
            WHERE queue_id = q.id AND state = 0 AND job_group = '')
        OR EXISTS(SELECT FROM tranter.jobs
            WHERE queue_id = q.id AND state = 0 AND job_group <> '')
        OR EXISTS(SELECT FROM tranter.jobs WHERE queue_id = q.id AND state = 1)
        OR EXISTS(SELECT FROM tranter.jobs WHERE queue_id = q.id AND state = 2))
    ORDER BY q.name)sql");

constexpr postgres::Statement id_of_queue("SELECT id FROM tranter.queues WHERE name = $1");

/// Each state as its partial index has it.
std::string states_condition(const history::JobQuery& query, bool is_of_letters) {
    std::vector<std::string_view> any;
    const bool pending = wants(query, JobState::pending);
    const bool scheduled = wants(query, JobState::scheduled);
    const bool failed = wants(query, JobState::failed);
    const bool dead = is_of_letters && wants(query, JobState::dead);
    const std::string_view at_home = is_of_letters ? "" : " AND j.home_id IS NULL";
    if (pending || dead) {
        any.push_back("(j.state = 0 AND j.job_group = '')");
        any.push_back("(j.state = 0 AND j.job_group <> '')");
    }
    if (is_of_letters || (pending && scheduled && failed)) {
        any.push_back("(j.state = 1)");
    } else {
        if (pending) any.push_back("(j.state = 1 AND j.due_at <= statement_timestamp())");
        if (scheduled) {
            any.push_back("(j.state = 1 AND j.due_at > statement_timestamp() AND NOT j.failed)");
        }
        if (failed) {
            any.push_back("(j.state = 1 AND j.due_at > statement_timestamp() AND j.failed)");
        }
    }
    std::string out;
    for (const std::string_view one : any)
        out += fmt::format("{}({}{})", out.empty() ? "" : " OR ", one, at_home);
    if (wants(query, JobState::processing)) {
        out += fmt::format("{}j.state = 2", out.empty() ? "" : " OR ");
    }
    return out.empty() ? "false" : out;
}

std::vector<OpenQueue> open_queues(Listing& listing) {
    const std::array<Parameter, 2> parameters{listing.place.queue, listing.query.filter.queue};
    const auto rows = listing.connection.execute(queues_with_jobs, parameters);
    std::vector<OpenQueue> queues;
    for (std::size_t row = 0; row < rows.size(); ++row)
        queues.push_back({rows.integer(row, 0), std::string(rows.text(row, 1))});
    return queues;
}

/// Where texts are searched for nobody knows how many rows match, so all of the queue are looked at
/// by the index of its states (OFFSET 0 sees to that), not all of the table in its order.
postgres::Rows next_rows(Listing& listing, std::int64_t queue_id, bool is_of_letters) {
    const history::HistoryFilter& filter = listing.query.filter;
    SearchSql sql;
    std::string rows = fmt::format(
        "tranter.jobs j WHERE j.queue_id = {} AND ({})",
        queue_id,
        states_condition(listing.query, is_of_letters)
    );
    if (!listing.place.id.empty()) {
        rows += fmt::format(" AND j.id > {}::uuid", sql.parameter(listing.place.id));
    }
    rows += plain_conditions(sql, filter, listing.terms, false);
    sql.text = fmt::format(
        "SELECT {} FROM (SELECT * FROM {}{}) j {} ORDER BY j.id LIMIT {}",
        live_columns,
        rows,
        needs_matcher(filter) ? " OFFSET 0" : "",
        live_tables,
        listing.chunk()
    );
    return listing.connection.query(sql.text.c_str(), sql.parameters);
}

/// The rest of a queue from the place on. Whether it came to its end.
bool read_queue(Listing& listing, std::int64_t queue_id, bool is_of_letters) {
    while (true) {
        if (listing.is_full()) return false;
        const std::size_t asked = listing.chunk();
        const auto rows = next_rows(listing, queue_id, is_of_letters);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            if (listing.is_full()) return false;
            JobRecord record = read_record(rows, row);
            listing.place.id = record.id;
            const bool fits = wants(listing.query, record.state) &&
                              (!is_of_letters || history::is_in_time(listing.query.filter, record));
            if (listing.matches(record) && fits) listing.add(std::move(record));
        }
        if (rows.size() < asked) return true;
    }
}

}  // namespace

bool read_live(Listing& listing) {
    const history::JobQuery& query = listing.query;
    // Ages count from the end of a job.
    if (query.filter.finished_from || query.filter.finished_before) return false;
    if (states_condition(query, false) == "false") return false;
    for (const OpenQueue& queue : open_queues(listing)) {
        if (queue.name != listing.place.queue) {
            listing.place.queue = queue.name;
            listing.place.id.clear();
        }
        if (!read_queue(listing, queue.id, false)) return true;
    }
    return false;
}

Result<bool> read_letters(Listing& listing, const std::string& dead_letter_queue) {
    const std::array<Parameter, 1> parameters{dead_letter_queue};
    const auto rows = listing.connection.execute(id_of_queue, parameters);
    if (rows.empty() && is_unused_dead_letter_queue(listing.connection, dead_letter_queue)) {
        return false;
    }
    if (rows.empty()) {
        const std::string_view shown =
            std::string_view(dead_letter_queue).substr(0, jobs::queue_name_bytes_max);
        return fail(Errc::not_found, fmt::format("queue {} does not exist", one_line(shown)));
    }
    listing.place.part = ListPart::letters;
    return !read_queue(listing, rows.integer(0, 0), true);
}

}  // namespace tranter::postgres_jobs
