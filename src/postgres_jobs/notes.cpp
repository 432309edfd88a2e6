#include "history/entry.hpp"
#include "jobs/call_checks.hpp"
#include "jobs/job_note.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/receipt.hpp"
#include "postgres_jobs/store.hpp"

#include <tranter/payload.hpp>

#include <array>
#include <utility>

/// What a worker says about jobs while they run.
namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement put_progress(
    "SELECT is_held FROM tranter.set_progress($1::integer, $2::uuid, $3::integer, $4::text)"
);
constexpr postgres::Statement put_lines(
    "SELECT is_held FROM tranter.append_log("
    "$1::integer, $2::uuid, $3::integer, $4::text[], $5::integer, $6::bigint)"
);
constexpr postgres::Statement lock_attempt(
    "SELECT is_held, steps FROM tranter.lock_attempt($1::integer, $2::uuid, $3::integer)"
);
constexpr postgres::Statement put_steps("UPDATE tranter.jobs SET steps = $2 WHERE id = $1::uuid");

/// The delivery that a call is about.
struct Attempt {
    std::int32_t queue_id = 0;
    Receipt receipt{};

    std::vector<postgres::Parameter> parameters() const {
        return {std::to_string(queue_id), receipt.id, std::to_string(receipt.delivery)};
    }
};

Result<Attempt> attempt_of(Store& store, std::string_view queue_name, std::string_view text) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    const auto queue = find_queue(store, queue_name);
    if (!queue) return std::unexpected(queue.error());
    auto receipt = parse_receipt(text);
    if (!receipt) return std::unexpected(receipt.error());
    return Attempt{.queue_id = (*queue)->id(), .receipt = *std::move(receipt)};
}

Result<> check_held(const postgres::Rows& rows) {
    if (rows.empty()) return std::unexpected(delivery_over(false));
    if (!rows.boolean(0, 0)) return std::unexpected(delivery_over(true));
    return {};
}

}  // namespace

Result<> set_progress(
    Store& store, std::string_view queue, std::string_view receipt, std::string_view json
) {
    if (auto good = jobs::check_progress(json); !good) return good;
    const auto attempt = attempt_of(store, queue, receipt);
    if (!attempt) return std::unexpected(attempt.error());
    auto parameters = attempt->parameters();
    parameters.emplace_back(json);
    return store.pool.read([&](postgres::Connection& connection) {
        return check_held(connection.execute(put_progress, parameters));
    });
}

Result<> append_log(
    Store& store,
    std::string_view queue,
    std::string_view receipt,
    std::span<const std::string> lines
) {
    if (auto good = jobs::check_log_lines(lines.size()); !good) return good;
    const auto attempt = attempt_of(store, queue, receipt);
    if (!attempt) return std::unexpected(attempt.error());
    history::LogLines log;  // as many as whoever reads them would keep of these
    for (std::string line : lines) {
        jobs::make_storable(line, history::LogLines::bytes_max);
        log.append(line);
    }
    std::vector<postgres::Parameter> kept;
    std::size_t bytes = 0;
    for (const std::string& line : log.lines()) {
        kept.emplace_back(line);
        bytes += line.size() + 1;
    }
    auto parameters = attempt->parameters();
    parameters.emplace_back(postgres::array_of(kept));
    parameters.emplace_back(std::to_string(bytes));
    parameters.emplace_back(std::to_string(log.dropped()));
    return store.pool.once([&](postgres::Connection& connection) {
        return check_held(connection.execute(put_lines, parameters));
    });
}

Result<> save_step(
    Store& store, std::string_view queue, std::string_view receipt, const Step& step
) {
    if (auto good = jobs::check_step(step); !good) return good;
    const auto attempt = attempt_of(store, queue, receipt);
    if (!attempt) return std::unexpected(attempt.error());
    return store.pool.write([&](postgres::Connection& connection) -> Result<> {
        const postgres::Rows rows = connection.execute(lock_attempt, attempt->parameters());
        if (auto held = check_held(rows); !held) return held;
        jobs::JobNote note;
        if (const std::string_view steps = rows.text(0, 1); !steps.empty()) {
            if (auto read = from_json<std::vector<Step>>(steps)) note.steps = *std::move(read);
        }
        note.put(step);
        if (auto good = jobs::check_step_bytes(step, note.step_bytes()); !good) return good;
        auto text = to_json(note.steps);
        if (!text) return fail(Errc::invalid_argument, "name of a step is not UTF-8");
        const std::array<postgres::Parameter, 2> parameters = {
            attempt->receipt.id, *std::move(text)};
        connection.execute(put_steps, parameters);
        return {};
    });
}

}  // namespace tranter::postgres_jobs
