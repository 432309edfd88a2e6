#include "schedule/postgres_joint.hpp"

#include "base/uuid.hpp"
#include "postgres/columns.hpp"
#include "schedule/postgres_rows.hpp"
#include "schedule/postgres_settle.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>

// Jobs are enqueued and written down in one transaction. Its locks are taken in the order of all:
// schedules by their names, then their runs, then what stands in the way of jobs of one queue.
namespace tranter::schedule {
namespace {

using postgres::Connection;
using postgres::DatabaseError;
using postgres::Parameter;
using postgres::Rows;
using postgres::Trouble;

constexpr postgres::Statement lock_schedules_of_runs(
    "SELECT 1 FROM tranter.recurring_jobs WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE"
);
constexpr postgres::Statement lock_held_runs(
    "SELECT run.schedule, run.slot, run.manual FROM tranter.schedule_runs AS run JOIN "
    "unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::timestamptz[]) AS "
    "mine(schedule, slot, manual, held_until) ON run.schedule = mine.schedule AND "
    "run.slot = mine.slot AND run.manual = mine.manual "
    "WHERE run.state = 0 AND run.claimed_until = mine.held_until FOR UPDATE OF run"
);
// Waits for who has not ended yet, which may be the try that is looked for.
constexpr postgres::Statement find_written_runs(
    "SELECT run.schedule, run.slot, run.manual, run.job_id, "
    "run.state = 2 AND run.enqueued_at = $4::timestamptz FROM tranter.schedule_runs AS run JOIN "
    "unnest($1::text[], $2::timestamptz[], $3::boolean[]) AS mine(schedule, slot, manual) ON "
    "run.schedule = mine.schedule AND run.slot = mine.slot AND run.manual = mine.manual "
    "FOR UPDATE OF run"
);
constexpr postgres::Statement lock_held_jobs(
    "SELECT id FROM tranter.scheduled_jobs WHERE id = ANY($1::text[]) AND status = 0 AND held AND "
    "ready_at = $2::timestamptz ORDER BY id FOR UPDATE"
);
constexpr postgres::Statement find_written_jobs(
    "SELECT id, status = 1 AND ended_at = $2::timestamptz FROM tranter.scheduled_jobs "
    "WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
);

/// What the store of jobs says of them, which is no error of this store.
class Refused {
  public:
    explicit Refused(Error error) : error_(std::move(error)) {}
    const Error& error() const { return error_; }

  private:
    Error error_;
};

bool is_refusal(Trouble trouble) {
    return trouble == Trouble::bad_value || trouble == Trouble::limit ||
           trouble == Trouble::refused;
}

Enqueued known_as(std::string_view job_id, std::string_view own_id) {
    Enqueued out{.id = std::string(job_id)};
    if (job_id != own_id) out.duplicate_of = out.id;
    return out;
}

std::array<Parameter, 3> key_columns(std::span<const HeldRun> runs) {
    postgres::Columns<3> columns;
    for (const HeldRun& run : runs) {
        columns.add(
            {text_parameter(run.key.schedule),
             time_parameter(run.key.slot),
             flag_parameter(run.key.manual)}
        );
    }
    return columns.parameters();
}

std::set<RunKey> lock_held(Connection& connection, std::span<const HeldRun> runs) {
    postgres::Columns<1> times;
    for (const HeldRun& run : runs)
        times.add({time_parameter(run.held_until)});
    const auto [schedules, slots, manual] = key_columns(runs);
    const std::array calls{
        postgres::Call{.statement = &lock_schedules_of_runs, .parameters = {schedules}},
        postgres::Call{
            .statement = &lock_held_runs,
            .parameters = {schedules, slots, manual, times.parameters()[0]}}};
    const std::vector<Rows> found = connection.execute_all(calls);
    std::set<RunKey> out;
    for (std::size_t row = 0; row < found[1].size(); ++row)
        out.insert(read_run_key(found[1], row));
    return out;
}

std::set<std::string, std::less<>> lock_held(
    Connection& connection, const Parameter& ids, TimePoint held_until
) {
    const std::array parameters{ids, time_parameter(held_until)};
    const Rows found = connection.execute(lock_held_jobs, parameters);
    std::set<std::string, std::less<>> out;
    for (std::size_t row = 0; row < found.size(); ++row)
        out.emplace(found.text(row, 0));
    return out;
}

/// Places of those among `count` for which `is_ours` holds.
template <class IsOurs>
std::vector<std::size_t> places_where(std::size_t count, const IsOurs& is_ours) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < count; ++i) {
        if (is_ours(i)) places.push_back(i);
    }
    return places;
}

std::int64_t random_key() {
    const Uuid uuid = make_uuid();
    std::int64_t key = 0;
    std::memcpy(&key, uuid.data(), sizeof(key));
    return key;
}

}  // namespace

template <class Work, class Look>
Result<JointWork::Answers> PostgresJoint::in_one_transaction(const Work& work, const Look& look) {
    std::optional<Error> refused;
    const auto answers = session_.write([&](Connection& connection) -> Result<Answers> {
        refused.reset();
        try {
            return work(connection);
        } catch (const Refused& refusal) {
            refused = refusal.error();
        }
        return fail(Errc::conflict, "undone");
    });
    if (refused) return std::unexpected(*refused);
    if (answers || answers.error().code() != Errc::unavailable) return answers;
    const auto found =
        session_.write([&](Connection& connection) -> Result<Answers> { return look(connection); });
    const bool any = found && std::ranges::any_of(*found, [](const std::optional<Enqueued>& one) {
                         return one.has_value();
                     });
    return any ? found : answers;
}

std::vector<Enqueued> PostgresJoint::enqueue_in(
    Connection& connection, std::string_view queue, std::span<const NewJob> jobs
) {
    try {
        auto enqueued = jobs_.enqueue_in(connection, queue, jobs);
        if (enqueued && enqueued->size() == jobs.size()) return std::move(*enqueued);
        if (!enqueued) throw Refused(enqueued.error());
        throw Refused(Error(Errc::internal, "the store did not answer for all"));
    } catch (const DatabaseError& error) {
        if (!is_refusal(error.trouble())) throw;
        throw Refused(postgres::as_error(error, "the store of jobs"));
    }
}

Result<JointWork::Answers> PostgresJoint::enqueue_runs(
    std::string_view queue, std::span<const HeldRun> runs, TimePoint now
) {
    const auto work = [&](Connection& connection) {
        const std::set<RunKey> ours = lock_held(connection, runs);
        const auto places =
            places_where(runs.size(), [&](std::size_t i) { return ours.contains(runs[i].key); });
        Answers answers(runs.size());
        if (places.empty()) return answers;
        std::vector<NewJob> jobs;
        for (const std::size_t place : places)
            jobs.push_back(runs[place].job);
        auto enqueued = enqueue_in(connection, queue, jobs);
        std::vector<RunOutcome> outcomes;
        for (std::size_t i = 0; i < places.size(); ++i) {
            outcomes.push_back({.key = runs[places[i]].key, .job_id = enqueued[i].id});
            answers[places[i]] = std::move(enqueued[i]);
        }
        settle_runs_in(connection, outcomes, now);
        return answers;
    };
    const auto look = [&](Connection& connection) {
        const auto [schedules, slots, manual] = key_columns(runs);
        const std::array parameters{schedules, slots, manual, time_parameter(now)};
        const Rows found = connection.execute(find_written_runs, parameters);
        std::map<RunKey, std::string> written;
        for (std::size_t row = 0; row < found.size(); ++row) {
            if (found.boolean(row, 4))
                written.emplace(read_run_key(found, row), found.text(row, 3));
        }
        Answers answers(runs.size());
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const auto one = written.find(runs[i].key);
            if (one != written.end()) answers[i] = known_as(one->second, runs[i].job.id);
        }
        return answers;
    };
    return in_one_transaction(work, look);
}

Result<JointWork::Answers> PostgresJoint::enqueue_timers(
    std::string_view queue, std::span<const NewJob> jobs, TimePoint held_until, TimePoint now
) {
    postgres::Columns<1> columns;
    for (const NewJob& job : jobs)
        columns.add({text_parameter(job.id)});
    const Parameter ids = columns.parameters()[0];
    const auto work = [&](Connection& connection) {
        const auto ours = lock_held(connection, ids, held_until);
        const auto places =
            places_where(jobs.size(), [&](std::size_t i) { return ours.contains(jobs[i].id); });
        Answers answers(jobs.size());
        if (places.empty()) return answers;
        std::vector<NewJob> held;
        for (const std::size_t place : places)
            held.push_back(jobs[place]);
        auto enqueued = enqueue_in(connection, queue, held);
        std::vector<JobOutcome> outcomes;
        for (std::size_t i = 0; i < places.size(); ++i) {
            outcomes.push_back({.id = jobs[places[i]].id});
            answers[places[i]] = std::move(enqueued[i]);
        }
        settle_jobs_in(connection, outcomes, now);
        return answers;
    };
    const auto look = [&](Connection& connection) {
        const std::array parameters{ids, time_parameter(now)};
        const Rows found = connection.execute(find_written_jobs, parameters);
        std::set<std::string_view> written;
        for (std::size_t row = 0; row < found.size(); ++row) {
            if (found.boolean(row, 1)) written.insert(found.text(row, 0));
        }
        Answers answers(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            if (written.contains(jobs[i].id)) answers[i] = Enqueued{.id = jobs[i].id};
        }
        return answers;
    };
    return in_one_transaction(work, look);
}

Result<std::unique_ptr<JointWork>> PostgresStore::join(Provider& provider) {
    auto* jobs = dynamic_cast<postgres::JobTransactions*>(&provider);
    if (jobs == nullptr) return nullptr;
    const std::int64_t key = random_key();
    Result<bool> is_same = false;
    const auto asked = session_.write([&](Connection& connection) -> Result<> {
        const std::array parameters{number_parameter(key)};
        connection.query("SELECT pg_advisory_xact_lock($1)", parameters);
        is_same = jobs->sees_lock(key);
        return {};
    });
    if (!asked) return std::unexpected(asked.error());
    if (!is_same) return std::unexpected(is_same.error());
    if (!*is_same) return nullptr;
    return std::make_unique<PostgresJoint>(session_, *jobs);
}

}  // namespace tranter::schedule
