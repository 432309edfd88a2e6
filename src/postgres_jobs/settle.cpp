#include "base/random.hpp"
#include "jobs/call_checks.hpp"
#include "jobs/job_json.hpp"
#include "jobs/job_note.hpp"
#include "postgres/columns.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/complete.hpp"
#include "postgres_jobs/receipt.hpp"
#include "postgres_jobs/store.hpp"
#include "postgres_jobs/times.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

#include <array>
#include <unordered_set>
#include <utility>
#include <variant>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement lock_attempts(
    "SELECT place, is_held, attempt, cancel_requested, options, failures, moment "
    "FROM tranter.lock_attempts($1::integer, $2::uuid[], $3::integer[])"
);
constexpr postgres::Statement end_attempts(
    "SELECT tranter.end_attempts($1::integer, $2::uuid[], $3::text[], $4::bigint[], $5::text[], "
    "$6::text[], $7::integer)"
);

constexpr std::size_t reason_bytes_max = 2'000;

/// A job whose attempt did not complete, as it is locked.
struct LockedAttempt {
    std::uint32_t attempt = 0;
    bool cancel_requested = false;
    std::string_view options{};
    std::string_view failures{};
    TimePoint now{};  // of the database
};

/// What becomes of it: see settle_functions.cpp.
struct AttemptEnd {
    const char* kind = "released";
    Milliseconds rest{};
    std::string failures{};  // empty: as they were
    std::string reason{};
    bool failed = false;  // counts as a failed attempt, whatever became of the job
};

AttemptEnd as_cancelled() {
    return {.kind = "cancelled", .reason = "cancelled"};
}

AttemptEnd put_back(const LockedAttempt& job, Milliseconds rest) {
    if (job.cancel_requested) return as_cancelled();
    return {.kind = "released", .rest = rest};
}

/// The failures of the job with this one.
std::string with_failure(const LockedAttempt& job, std::string type, std::string text) {
    jobs::JobNote note;
    if (!job.failures.empty()) {
        if (auto read = from_json<std::vector<AttemptFailure>>(job.failures)) {
            note.failures = *std::move(read);
        }
    }
    note.add(
        {.attempt = job.attempt, .at = job.now, .type = std::move(type), .text = std::move(text)}
    );
    auto json = to_json(note.failures);
    return json ? *std::move(json) : std::string();
}

AttemptEnd decide_failed(const LockedAttempt& job, const Failed& failed) {
    AttemptEnd end;
    end.failed = true;
    end.failures = with_failure(job, failed.type, failed.text);
    if (job.cancel_requested) {
        end.kind = "cancelled";
        end.reason = "cancelled";
        return end;
    }
    const auto options = jobs::options_from_json(job.options);
    const RetryPolicy retry = options ? options->retry : RetryPolicy{};
    const auto rest = retry.next_delay(job.attempt, random_word());
    if (rest) {
        end.kind = "failed";
        end.rest = failed.retry_after.value_or(*rest);
        return end;
    }
    end.kind = "dead";
    end.reason = jobs::reason_of_death(job.attempt, retry.max_attempts, failed);
    return end;
}

AttemptEnd decide(const LockedAttempt& job, const AttemptOutcome& outcome) {
    if (const auto* failed = std::get_if<Failed>(&outcome)) return decide_failed(job, *failed);
    if (const auto* snoozed = std::get_if<Snoozed>(&outcome)) return put_back(job, snoozed->after);
    if (const auto* dead = std::get_if<Dead>(&outcome)) {
        const std::string type = dead->type.empty() ? "dead" : dead->type;
        return {
            .kind = "dead",
            .failures = with_failure(job, type, dead->reason),
            .reason = dead->reason};
    }
    if (std::holds_alternative<Stopped>(outcome)) return as_cancelled();
    return put_back(job, Milliseconds(0));
}

/// One call of settle.
class Settling {
  public:
    Settling(
        Store& store,
        std::string_view queue,
        std::int32_t queue_id,
        std::span<const Settlement> settlements
    )
        : store_(store),
          queue_(queue),
          queue_id_(queue_id),
          settlements_(settlements),
          results_(settlements.size(), Result<>{}) {}

    Result<std::vector<Result<>>> run() {
        for (std::size_t i = 0; i < settlements_.size(); ++i)
            prepare(i);
        if (others_.places.empty()) {
            if (completed_.empty()) return std::move(results_);
            auto answers = complete_jobs(store_, queue_, queue_id_, completed_);
            if (!answers) return std::unexpected(std::move(answers.error()));
            put_completed(*std::move(answers));
            return std::move(results_);
        }
        auto done = store_.pool.write([this](postgres::Connection& connection) -> Result<> {
            if (!completed_.empty()) put_completed(complete_in(connection, queue_id_, completed_));
            settle_others(connection);
            return {};
        });
        if (!done) return std::unexpected(std::move(done.error()));
        return std::move(results_);
    }

  private:
    /// Deliveries that did not complete, and where they stood in the call.
    struct Deliveries {
        std::vector<postgres::Parameter> ids{};
        std::vector<postgres::Parameter> numbers{};
        std::vector<std::size_t> places{};

        std::size_t place_of(std::int64_t row_place) const {
            return places.at(static_cast<std::size_t>(row_place) - 1);
        }
    };

    void prepare(std::size_t i) {
        const Settlement& settlement = settlements_[i];
        auto receipt = parse_receipt(settlement.receipt);
        if (!receipt) {
            results_[i] = std::unexpected(std::move(receipt.error()));
            return;
        }
        if (auto good = jobs::check_outcome(settlement.outcome); !good) {
            results_[i] = std::move(good);
            return;
        }
        if (!ids_.insert(receipt->id).second) {
            results_[i] = std::unexpected(delivery_over(true));
            return;
        }
        std::string number = std::to_string(receipt->delivery);
        if (const auto* completed = std::get_if<Completed>(&settlement.outcome)) {
            completed_.add(std::move(receipt->id), std::move(number), completed->result);
            completed_places_.push_back(i);
            return;
        }
        others_.ids.emplace_back(std::move(receipt->id));
        others_.numbers.emplace_back(std::move(number));
        others_.places.push_back(i);
    }

    void put_completed(std::vector<Result<>> answers) {
        for (std::size_t i = 0; i < answers.size(); ++i)
            results_[completed_places_[i]] = std::move(answers[i]);
    }

    void settle_others(postgres::Connection& connection) {
        const std::array<postgres::Parameter, 3> parameters = {
            std::to_string(queue_id_),
            postgres::array_of(others_.ids),
            postgres::array_of(others_.numbers)};
        const postgres::Rows rows = connection.execute(lock_attempts, parameters);
        for (const std::size_t place : others_.places)
            results_[place] = std::unexpected(delivery_over(false));
        postgres::Columns<5> ends;
        int failed = 0;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const std::int64_t row_place = rows.integer(row, 0);
            const std::size_t place = others_.place_of(row_place);
            if (!rows.boolean(row, 1)) {
                results_[place] = std::unexpected(delivery_over(true));
                continue;
            }
            results_[place] = {};
            AttemptEnd end = decide(locked_attempt(rows, row), settlements_[place].outcome);
            failed += end.failed ? 1 : 0;
            jobs::make_storable(end.reason, reason_bytes_max);
            ends.add(
                {others_.ids.at(static_cast<std::size_t>(row_place) - 1),
                 end.kind,
                 std::to_string(end.rest.count()),
                 end.failures.empty() ? postgres::Parameter() : std::move(end.failures),
                 end.reason.empty() ? postgres::Parameter() : std::move(end.reason)}
            );
        }
        if (ends.empty()) return;
        std::vector<postgres::Parameter> all{std::to_string(queue_id_)};
        for (postgres::Parameter& column : ends.parameters())
            all.push_back(std::move(column));
        all.emplace_back(std::to_string(failed));
        connection.execute(end_attempts, all);
    }

    static LockedAttempt locked_attempt(const postgres::Rows& rows, std::size_t row) {
        return {
            .attempt = static_cast<std::uint32_t>(rows.integer(row, 2)),
            .cancel_requested = rows.boolean(row, 3),
            .options = rows.text(row, 4),
            .failures = rows.text(row, 5),
            .now = time_of_seconds(rows.text(row, 6))};
    }

    Store& store_;
    const std::string_view queue_;
    const std::int32_t queue_id_;
    const std::span<const Settlement> settlements_;
    std::vector<Result<>> results_;
    std::unordered_set<std::string> ids_{};
    Completions completed_{};
    std::vector<std::size_t> completed_places_{};  // of each of them in the call
    Deliveries others_{};
};

}  // namespace

Result<std::vector<Result<>>> settle_jobs(
    Store& store, std::string_view queue_name, std::span<const Settlement> settlements
) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (settlements.size() > jobs_per_call_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "{} settlements in one call, limit is {}", settlements.size(), jobs_per_call_max
            )
        );
    }
    const auto queue = find_queue(store, queue_name);
    if (!queue) return std::unexpected(queue.error());
    return Settling(store, queue_name, (*queue)->id(), settlements).run();
}

}  // namespace tranter::postgres_jobs
