#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "jobs/job_of_request.hpp"
#include "jobs/new_jobs.hpp"
#include "jobs/wire_json.hpp"
#include "postgres/array_text.hpp"
#include "postgres/connection.hpp"
#include "postgres/libpq.hpp"
#include "postgres_jobs/receipt.hpp"

#include <tranter/postgres.hpp>

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace tranter {
namespace {

using postgres::Parameter;
using postgres::Rows;

constexpr const char* enqueue_answered =
    "SELECT id, is_duplicate FROM tranter.enqueue_answered($1, $2, $3)";
constexpr const char* complete_one =
    "SELECT is_known FROM tranter.complete((SELECT id FROM tranter.queues WHERE name = $1), "
    "ARRAY[$2::uuid], ARRAY[$3::integer], ARRAY[$4::text])";

Error error_of_refusal(std::string_view state, std::string_view text) {
    const std::string shown = without_secrets(one_line(text));
    if (state == "TR001") return {Errc::invalid_argument, shown};
    if (state == "TR002") return {Errc::limit_exceeded, shown};
    if (state == "42501") return {Errc::permission_denied, shown};
    if (state == "42883" || state == "42P01" || state == "3F000") {
        return {
            Errc::not_found,
            fmt::format("{}: bring its tables up to date with `tranter db migrate`", shown)};
    }
    if (state.starts_with("40")) {
        return {Errc::conflict, fmt::format("the transaction has to be begun anew: {}", shown)};
    }
    return {Errc::unavailable, fmt::format("the database refused it: {}", shown)};
}

Result<Rows> query_in_transaction(
    pg_conn* connection, const char* sql, std::span<const Parameter> parameters
) {
    const postgres::Libpq& libpq = postgres::libpq();
    if (!libpq.loaded) return fail(Errc::unavailable, "libpq.so.5 is not installed");
    if (libpq.transaction_status(connection) == PQTRANS_IDLE) {
        return fail(Errc::invalid_argument, "no transaction was begun on the connection");
    }
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const Parameter& parameter : parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    pg_result* const result = libpq.exec_params(
        connection,
        sql,
        static_cast<int>(values.size()),
        nullptr,
        values.data(),
        nullptr,
        nullptr,
        0
    );
    Rows rows(result);
    if (libpq.result_status(result) == PGRES_TUPLES_OK) return rows;
    const char* state = libpq.error_field(result, PG_DIAG_SQLSTATE);
    // The primary message only: details quote values.
    const char* text = libpq.error_field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (text == nullptr) text = libpq.error_message(connection);
    return std::unexpected(error_of_refusal(state == nullptr ? "" : state, text));
}

/// Neighbours of one queue.
struct Share {
    std::string queue{};
    std::vector<NewJob> jobs{};
};

/// Checked as far as can be done here, so that what is wrong with the last leaves nothing of the
/// first in the transaction.
Result<std::vector<Share>> shares_of(std::vector<JobRequest> requests) {
    std::vector<Share> shares;
    for (JobRequest& request : requests) {
        if (auto json = jobs::make_sure_it_is_json(request); !json) {
            return std::unexpected(json.error());
        }
        std::string queue = jobs::take_queue(request);
        if (shares.empty() || shares.back().queue != queue) {
            shares.push_back({.queue = std::move(queue)});
        }
        shares.back().jobs.push_back(jobs::to_job(std::move(request)));
    }
    for (const Share& share : shares) {
        if (auto good = jobs::check_new_jobs(share.jobs); !good) {
            return std::unexpected(good.error());
        }
    }
    return shares;
}

/// Payloads travel beside the JSON of the jobs, so that they stay as they were written.
Result<> add_answers(pg_conn* connection, Share share, std::vector<Enqueued>& answers) {
    postgres::ArrayText payloads;
    for (NewJob& job : share.jobs) {
        payloads.add(job.payload);
        job.payload.clear();
    }
    const std::array<Parameter, 3> parameters{
        share.queue, jobs::write_new_jobs(share.jobs), payloads.text()};
    const auto rows = query_in_transaction(connection, enqueue_answered, parameters);
    if (!rows) return std::unexpected(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) {
        Enqueued& one = answers.emplace_back();
        one.id = rows->text(row, 0);
        if (rows->boolean(row, 1)) one.duplicate_of = one.id;
    }
    return {};
}

}  // namespace

Result<Enqueued> PostgresTransaction::enqueue(JobRequest request) {
    std::vector<JobRequest> one;
    one.push_back(std::move(request));
    auto answers = enqueue_all(std::move(one));
    if (!answers) return std::unexpected(std::move(answers.error()));
    return std::move(answers->front());
}

Result<std::vector<Enqueued>> PostgresTransaction::enqueue_all(std::vector<JobRequest> requests) {
    std::vector<Enqueued> answers;
    answers.reserve(requests.size());
    auto shares = shares_of(std::move(requests));
    if (!shares) return std::unexpected(std::move(shares.error()));
    for (Share& share : *shares) {
        auto done = add_answers(connection_, std::move(share), answers);
        if (!done) return std::unexpected(std::move(done.error()));
    }
    return answers;
}

Result<> PostgresTransaction::complete_with(const Context& context, std::string result) {
    const ReceivedJob& job = context.job();
    if (context.runs() > 1) {
        return fail(
            Errc::unsupported,
            fmt::format("the job has {} runs, and none of them can complete it", context.runs())
        );
    }
    if (result.size() > result_bytes_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("result is {} bytes, limit is {}", result.size(), result_bytes_max)
        );
    }
    const auto receipt = postgres_jobs::parse_receipt(job.receipt);
    if (!receipt) return std::unexpected(receipt.error());
    const Parameter kept = result.empty() ? Parameter() : Parameter(std::move(result));
    const std::array<Parameter, 4> parameters{
        job.queue, receipt->id, fmt::format("{}", receipt->delivery), kept};
    const auto rows = query_in_transaction(connection_, complete_one, parameters);
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return {};
    return std::unexpected(postgres_jobs::delivery_over(rows->boolean(0, 0)));
}

}  // namespace tranter
