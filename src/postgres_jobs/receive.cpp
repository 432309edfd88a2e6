#include "base/log.hpp"
#include "jobs/call_checks.hpp"
#include "jobs/job_json.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/receipt.hpp"
#include "postgres_jobs/store.hpp"
#include "postgres_jobs/times.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement fetch(
    "SELECT id, delivery, attempt, place, created, due, type, payload, job_group, options, steps, "
    "rank, looked_at, ends_from, blocks, took "
    "FROM tranter.fetch($1::integer, $2::integer, $3::bigint, $4::text, $5::boolean, $6::bigint, "
    "$7::bigint, $8::bigint)"
);

constexpr postgres::Statement sum_tallies("SELECT tranter.sum_tallies()");

enum Column : int {
    id_column,
    delivery_column,
    attempt_column,
    place_column,
    created_column,
    due_column,
    type_column,
    payload_column,
    group_column,
    options_column,
    steps_column,
    rank_column,
    looked_at_column,
    ends_from_column,
    blocks_column,
    took_column,
};

/// One look for jobs.
class HandOut {
  public:
    HandOut(Store& store, KnownQueue& queue, const ReceiveRequest& request)
        : store_(store), queue_(queue), request_(request) {}

    Result<Look> look(std::int64_t heard) { return look_from(queue_.look_start().next(), heard); }

    /// Finds a job if there is one, wherever it stands.
    Result<Look> look_until_found() {
        const auto start = queue_.look_start().next();
        auto found = look_from(start, 0);
        if (!found || !found->jobs.empty() || start.point.is_beginning()) return found;
        return look_from({.is_turn = true}, 0);
    }

    /// Jobs that nobody could run, which must not come again and again.
    void bury_unrunnable() {
        if (unrunnable_.empty()) return;
        const auto buried = settle_jobs(store_, request_.queue, unrunnable_);
        if (!buried) {
            log_warn(
                "postgres",
                "jobs with options that cannot be read stay where they are",
                {{"queue", request_.queue}, {"error", buried.error().message()}}
            );
        }
        unrunnable_.clear();
    }

  private:
    Result<Look> look_from(const LookStart::Start& start, std::int64_t heard) {
        // The clock of the database says when a lease ends; the worker is told by its own.
        const TimePoint lease_until =
            std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()
            ) +
            request_.lease;
        const std::array<postgres::Parameter, 8> parameters = {
            std::to_string(queue_.id()),
            std::to_string(request_.jobs_max),
            std::to_string(request_.lease.count()),
            request_.worker.empty() ? postgres::Parameter() : request_.worker,
            start.is_turn || queue_.is_time_to_pass() ? "true" : "false",
            std::to_string(heard),
            std::to_string(start.point.rank),
            std::to_string(start.point.time)};
        auto found = store_.pool.once([&](postgres::Connection& connection) -> Result<Look> {
            const postgres::Rows rows = connection.execute(fetch, parameters);
            return read(rows, start, lease_until);
        });
        if (!found) queue_.look_start().failed(start);
        return found;
    }

    Look read(const postgres::Rows& rows, const LookStart::Start& start, TimePoint lease_until) {
        Look look;
        std::vector<std::pair<std::int64_t, std::size_t>> order;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            if (!rows.is_null(row, id_column)) {
                order.emplace_back(rows.integer(row, place_column), row);
                if (order.back().first == 1) note(rows, row, start);
                continue;
            }
            note(rows, row, start);
            if (!rows.is_null(row, place_column)) {
                const std::chrono::microseconds rest(rows.integer(row, place_column));
                look.next = std::chrono::ceil<std::chrono::milliseconds>(rest);
            }
        }
        if (order.empty() && !start.point.is_beginning()) {
            // Once more before it is quiet.
            const auto again = queue_.look_start().beginning_in().value_or(LookStart::Micros(0));
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(again);
            look.next = std::min(look.next.value_or(rest), rest);
        }
        std::ranges::sort(order);
        look.jobs.reserve(order.size());
        for (const auto& [place, row] : order)
            add(rows, row, lease_until, look.jobs);
        return look;
    }

    /// What the first row says of the look.
    void note(const postgres::Rows& rows, std::size_t row, const LookStart::Start& start) {
        LookStart::Seen seen{
            .jobs = rows.is_null(row, id_column) ? 0 : rows.size(),
            .looked_at = rows.integer(row, looked_at_column),
            .blocks = rows.integer(row, blocks_column),
            .took = std::chrono::microseconds(rows.integer(row, took_column))};
        if (!rows.is_null(row, rank_column)) seen.rank = rows.integer(row, rank_column);
        if (!rows.is_null(row, ends_from_column)) {
            seen.ends_from = rows.integer(row, ends_from_column);
        }
        queue_.look_start().saw(start, seen);
    }

    void add(
        const postgres::Rows& rows,
        std::size_t row,
        TimePoint lease_until,
        std::vector<ReceivedJob>& jobs
    ) {
        ReceivedJob job{
            .id = std::string(rows.text(row, id_column)),
            .queue = request_.queue,
            .type = std::string(rows.text(row, type_column)),
            .payload = std::string(rows.text(row, payload_column)),
            .attempt = static_cast<std::uint32_t>(rows.integer(row, attempt_column)),
            .created_at = time_of_seconds(rows.text(row, created_column)),
            .lease_until = lease_until,
            .due_at = time_of_seconds(rows.text(row, due_column))};
        job.receipt =
            format_receipt(job.id, static_cast<std::int32_t>(rows.integer(row, delivery_column)));
        auto options = jobs::options_from_json(rows.text(row, options_column));
        if (!options) {
            unrunnable_.push_back(
                {.receipt = job.receipt,
                 .outcome = Dead{.type = "unreadable", .reason = options.error().message()}}
            );
            return;
        }
        job.options = *std::move(options);
        job.options.group = std::string(rows.text(row, group_column));
        if (const std::string_view steps = rows.text(row, steps_column); !steps.empty()) {
            if (auto read = from_json<std::vector<Step>>(steps)) job.steps = *std::move(read);
        }
        jobs.push_back(std::move(job));
    }

    Store& store_;
    KnownQueue& queue_;
    const ReceiveRequest& request_;
    std::vector<Settlement> unrunnable_{};
};

/// About as many jobs have ended as were handed out.
void sum_tallies_now_and_then(Store& store, std::size_t handed_out) {
    constexpr std::size_t calls_between = 1'000;
    if (handed_out == 0 || ++store.hand_outs % calls_between != 0) return;
    std::ignore = store.pool.once([](postgres::Connection& connection) -> Result<> {
        connection.execute(sum_tallies);
        return {};
    });
}

}  // namespace

Result<std::vector<ReceivedJob>> receive_jobs(Store& store, const ReceiveRequest& request) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (auto good = jobs::check_receive(request); !good) return std::unexpected(good.error());
    const bool waits = request.wait.count() > 0;
    const auto queue =
        waits ? find_or_make_queue(store, request.queue) : find_queue(store, request.queue);
    if (!queue && queue.error().code() == Errc::not_found) {
        tell_that_worker_asks(store, request);
        return std::vector<ReceivedJob>{};
    }
    if (!queue) return std::unexpected(queue.error());
    HandOut hand_out(store, **queue, request);
    const auto look = [&](std::int64_t heard) {
        tell_that_worker_asks(store, request);
        store.maintainer.begin();
        // A worker asks again soon; whoever asks once and does not wait is to be given what is
        // there.
        const bool asks_once = !waits && request.worker.empty();
        auto found = asks_once ? hand_out.look_until_found() : hand_out.look(heard);
        hand_out.bury_unrunnable();
        return found;
    };
    Result<std::vector<ReceivedJob>> jobs;
    if (waits) {
        jobs = store.wakeups.receive((*queue)->id(), request.wait, request.stop, look);
    } else if (auto found = look(0); found) {
        jobs = std::move(found->jobs);
    } else {
        jobs = std::unexpected(found.error());
    }
    if (jobs) sum_tallies_now_and_then(store, jobs->size());
    if (jobs && !jobs->empty() && !request.worker.empty()) {
        tell_of_workers(store, {&request.worker, 1});
    }
    return jobs;
}

}  // namespace tranter::postgres_jobs
