#include "jobs/call_checks.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/receipt.hpp"
#include "postgres_jobs/store.hpp"

#include <array>
#include <optional>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement extend(
    "SELECT place, is_held, cancel_requested, worker, rest_us "
    "FROM tranter.extend($1::integer, $2::uuid[], $3::integer[], $4::bigint)"
);

/// Receipts of one call that can be read, and where they stood in it.
struct ReadReceipts {
    std::vector<postgres::Parameter> ids{};
    std::vector<postgres::Parameter> deliveries{};
    std::vector<std::size_t> places{};
};

}  // namespace

Result<std::vector<Result<Extended>>> extend_leases(
    Store& store,
    std::string_view queue_name,
    std::span<const std::string> receipts,
    Milliseconds lease
) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (auto good = jobs::check_lease(lease); !good) return std::unexpected(good.error());
    const auto queue = find_queue(store, queue_name);
    if (!queue) return std::unexpected(queue.error());
    std::vector<Result<Extended>> results(receipts.size(), std::unexpected(delivery_over(false)));
    ReadReceipts read;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        auto receipt = parse_receipt(receipts[i]);
        if (!receipt) {
            results[i] = std::unexpected(std::move(receipt.error()));
            continue;
        }
        read.ids.emplace_back(std::move(receipt->id));
        read.deliveries.emplace_back(std::to_string(receipt->delivery));
        read.places.push_back(i);
    }
    if (read.places.empty()) return results;
    const std::array<postgres::Parameter, 4> parameters = {
        std::to_string((*queue)->id()),
        postgres::array_of(read.ids),
        postgres::array_of(read.deliveries),
        std::to_string(lease.count())};
    // By the clock of the worker, since when it asked: the lease is a little longer than that.
    const TimePoint asked_at =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    std::vector<std::string> workers;
    auto done = store.pool.once([&](postgres::Connection& connection) -> Result<> {
        const postgres::Rows rows = connection.execute(extend, parameters);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            auto& result =
                results[read.places.at(static_cast<std::size_t>(rows.integer(row, 0)) - 1)];
            if (!rows.boolean(row, 1)) {
                result = std::unexpected(delivery_over(true));
                continue;
            }
            const std::chrono::microseconds rest(rows.integer(row, 4));
            result =
                Extended{.lease_until = asked_at + rest, .cancel_requested = rows.boolean(row, 2)};
            const std::string_view worker = rows.text(row, 3);
            if (!worker.empty() && (workers.empty() || workers.back() != worker)) {
                workers.emplace_back(worker);
            }
        }
        return {};
    });
    if (!done) return std::unexpected(std::move(done.error()));
    if (!workers.empty()) tell_of_workers(store, workers);
    return results;
}

}  // namespace tranter::postgres_jobs
