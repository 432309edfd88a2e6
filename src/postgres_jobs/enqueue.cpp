#include "base/log_text.hpp"
#include "base/unicode.hpp"
#include "jobs/new_jobs.hpp"
#include "jobs/queue_name.hpp"
#include "postgres_jobs/adoption.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/new_job_columns.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement enqueue_plain("SELECT tranter.enqueue_plain($1, $2, $3, $4)");
constexpr postgres::Statement enqueue_any(
    "SELECT tranter.enqueue_jobs($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, $10, $11, $12, $13, $14, $15)"
);

Result<> check_queue_for_jobs(std::string_view name) {
    if (!name.ends_with(jobs::fifo_suffix)) return jobs::check_queue_name(name);
    return fail(
        Errc::unsupported,
        fmt::format(
            "queue {} would be a FIFO queue by its name, and PostgreSQL has none; jobs that must "
            "not overtake each other can share a group with max_in_flight_per_group 1",
            one_line(name.substr(0, jobs::queue_name_bytes_max))
        )
    );
}

/// Of `{NULL,0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d0001}`: what each job is a duplicate of.
class Duplicates {
  public:
    explicit Duplicates(std::string_view array) : rest_(array.substr(0, array.size() - 1)) {}

    /// Of the next job; empty: of none.
    std::string_view next() {
        rest_.remove_prefix(1);
        const std::string_view one = rest_.substr(0, rest_.find(','));
        rest_.remove_prefix(one.size());
        return one == "NULL" ? std::string_view() : one;
    }

  private:
    std::string_view rest_;  // begins with what stands before the next one
};

std::vector<Enqueued> all_new(const NewJobColumns& columns) {
    std::vector<Enqueued> answers;
    answers.reserve(columns.ids().size());
    for (const Uuid& id : columns.ids())
        answers.push_back({.id = format_uuid(id)});
    return answers;
}

/// What an earlier try of this call has put there is no duplicate.
void take_duplicates(
    std::vector<Enqueued>& answers, std::string_view array, std::span<const NewJob> jobs
) {
    Duplicates duplicates(array);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const std::string_view one = duplicates.next();
        const bool is_own = jobs[i].id.empty() && one == answers[i].id;
        if (one.empty() || is_own) continue;
        answers[i] = {.id = std::string(one), .duplicate_of = std::string(one)};
    }
}

Result<> check_call(std::string_view queue, std::span<const NewJob> jobs) {
    if (auto good = jobs::check_new_jobs(jobs); !good) return good;
    for (const NewJob& job : jobs) {
        const auto& dedup = job.options.dedup;
        if (!dedup || !dedup->key.starts_with(row_key_prefix)) continue;
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "dedup.key is {}, only rows of adopted tables have keys that begin with {}",
                in_quotes(dedup->key),
                in_quotes(row_key_prefix)
            )
        );
    }
    return check_queue_for_jobs(queue);
}

/// `again`: an earlier try may have put them there.
std::vector<Enqueued> put_jobs(
    postgres::Connection& connection,
    const NewJobColumns& columns,
    std::span<const NewJob> jobs,
    bool again
) {
    auto answers = all_new(columns);
    if (columns.are_plain() && !again) {
        connection.execute(enqueue_plain, columns.plain_parameters());
        return answers;
    }
    const auto rows = connection.execute(enqueue_any, columns.parameters(again));
    if (!rows.is_null(0, 0)) take_duplicates(answers, rows.text(0, 0), jobs);
    return answers;
}

Result<std::vector<Enqueued>> enqueue_alone(Store& store, const SharedEnqueue& call) {
    // Since the ids are ours, it may be done twice: what is there already is found by its id.
    bool may_be_there = call.may_be_there;
    return store.pool.read([&](postgres::Connection& connection) -> Result<std::vector<Enqueued>> {
        return put_jobs(connection, *call.columns, call.jobs, std::exchange(may_be_there, true));
    });
}

/// Leaves undone what each has to do alone: also when nobody knows what was kept, since with its
/// ids it may be done again.
void enqueue_together(Store& store, std::span<SharedEnqueue* const> calls) {
    NewJobColumns all = *calls.front()->columns;
    for (const SharedEnqueue* const call : calls.subspan(1))
        all.add_all(*call->columns);
    // What could fail comes first: once they are kept nobody may do them again as if they were not.
    const auto parameters = all.plain_parameters();
    std::vector<std::vector<Enqueued>> answers;
    for (SharedEnqueue* const call : calls)
        answers.push_back(all_new(*call->columns));
    for (SharedEnqueue* const call : calls)
        call->may_be_there = true;
    auto trouble = postgres::Trouble::other;
    const auto done = store.pool.once(
        [&](postgres::Connection& connection) -> Result<> {
            connection.execute(enqueue_plain, parameters);
            return {};
        },
        &trouble
    );
    const bool is_unknown = !done && trouble == postgres::Trouble::lost;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        SharedEnqueue& call = *calls[i];
        call.may_be_there = is_unknown;
        if (done) {
            call.answer.emplace(std::move(answers[i]));
        } else if (is_of_all(trouble) && !is_unknown) {
            call.answer.emplace(std::unexpected(done.error()));
        }
    }
}

}  // namespace

Result<std::vector<Enqueued>> enqueue_jobs(
    Store& store, std::string_view queue, std::span<const NewJob> jobs
) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (auto good = check_call(queue, jobs); !good) return std::unexpected(good.error());
    if (jobs.empty()) return std::vector<Enqueued>{};
    const NewJobColumns columns(queue, jobs);
    SharedEnqueue call{.columns = &columns, .jobs = jobs};
    const SharedSize size{.jobs = jobs.size(), .bytes = columns.plain_bytes()};
    if (columns.are_plain() && may_share(size)) {
        const auto work = [&](std::span<SharedEnqueue* const> calls) {
            if (calls.size() > 1) return enqueue_together(store, calls);
            call.answer.emplace(enqueue_alone(store, call));
        };
        store.enqueues.run(queue, size, call, work);
    }
    if (!call.answer) return enqueue_alone(store, call);
    return *std::move(call.answer);
}

Result<std::vector<Enqueued>> enqueue_jobs_in(
    postgres::Connection& connection, std::string_view queue, std::span<const NewJob> jobs
) {
    if (auto good = check_call(queue, jobs); !good) return std::unexpected(good.error());
    if (jobs.empty()) return std::vector<Enqueued>{};
    return put_jobs(connection, NewJobColumns(queue, jobs), jobs, false);
}

Result<bool> is_locked(Store& store, std::int64_t key) {
    constexpr const char* is_taken = "SELECT NOT pg_catalog.pg_try_advisory_xact_lock($1)";
    const postgres::Parameter number = std::to_string(key);
    return store.pool.read([&](postgres::Connection& connection) -> Result<bool> {
        return connection.query(is_taken, {&number, 1}).boolean(0, 0);
    });
}

}  // namespace tranter::postgres_jobs
