#include "cli/top_view.hpp"

#include "cli/job_record.hpp"
#include "cli/short_text.hpp"
#include "cli/terminal_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::array<FittedColumn, 13> queue_columns{{
    {.heading = "QUEUE", .width_min = 20},
    {.heading = "PENDING", .is_number = true},
    {.heading = "OLDEST", .leaves = 1, .is_number = true},
    {.heading = "RUNNING", .leaves = 2, .is_number = true},
    {.heading = "LATER", .leaves = 7, .is_number = true},
    {.heading = "IN/S", .leaves = 4, .is_number = true},
    {.heading = "DONE/S", .leaves = 3, .is_number = true},
    {.heading = "FAILED/S", .leaves = 6, .is_number = true},
    {.heading = "DEAD", .leaves = 8, .is_number = true},
    {.heading = "P50", .leaves = 9, .is_number = true},
    {.heading = "P95", .leaves = 5, .is_number = true},
    {.heading = "P99", .leaves = 9, .is_number = true},
    {.heading = "NOTE", .leaves = 8},
}};

constexpr std::array<FittedColumn, 6> worker_columns{{
    {.heading = "WORKER", .width_min = 12},
    {.heading = "RUNNING", .is_number = true},
    {.heading = "OF", .leaves = 1, .is_number = true},
    {.heading = "SEEN", .leaves = 2, .is_number = true},
    {.heading = "VERSION", .leaves = 4},
    {.heading = "QUEUES", .leaves = 3, .width_min = 8},
}};

using Seconds = std::chrono::duration<double>;

/// All jobs that a queue has ever had, as far as its counts tell.
std::uint64_t jobs_so_far(const QueueStats& stats) {
    return stats.pending + stats.scheduled + stats.processing + stats.completed + stats.dead +
           stats.cancelled;
}

/// What was retried by hand counts as less, and a store that was opened anew as nothing.
double rate(std::uint64_t before, std::uint64_t now, Seconds between) {
    return now > before ? static_cast<double>(now - before) / between.count() : 0;
}

void add_rates(TopQueue& queue, const TopSample& before, Seconds between) {
    const auto earlier = std::ranges::find(before.queues, queue.stats.queue, &QueueStats::queue);
    // A queue that was not there has had nothing.
    const QueueStats then = earlier == before.queues.end() ? QueueStats{} : *earlier;
    queue.enqueued = rate(jobs_so_far(then), jobs_so_far(queue.stats), between);
    queue.completed = rate(then.completed, queue.stats.completed, between);
    queue.failed = rate(then.failed, queue.stats.failed, between);
}

void add_latencies(TopQueue& queue, const TopSample& before, const TopSample& now) {
    const auto found = now.latencies.find(queue.stats.queue);
    if (found == now.latencies.end()) return;
    const auto earlier = before.latencies.find(queue.stats.queue);
    const CumulativeBuckets then =
        earlier == before.latencies.end() ? CumulativeBuckets() : earlier->second;
    const auto percentile = [&](double share) {
        const auto lately = percentile_between(then, found->second, share);
        return lately ? lately : percentile_between({}, found->second, share);
    };
    queue.latency_p50 = percentile(0.5);
    queue.latency_p95 = percentile(0.95);
    queue.latency_p99 = percentile(0.99);
}

std::string number_cell(const std::optional<double>& value) {
    return value ? short_number(*value) : "-";
}

std::string latency_cell(const std::optional<double>& seconds) {
    if (!seconds) return "-";
    if (*seconds < 1) return fmt::format("{:.0f}ms", *seconds * 1000);
    if (*seconds < 100) return fmt::format("{:.1f}s", *seconds);
    return short_duration(std::chrono::duration_cast<std::chrono::microseconds>(Seconds(*seconds)));
}

FittedRow queue_row(const TopQueue& queue) {
    const QueueStats& stats = queue.stats;
    const auto oldest =
        stats.oldest_pending ? short_duration(*stats.oldest_pending) : std::string("-");
    const bool fails = queue.failed.value_or(0) > 0;
    return {
        {stats.queue},
        {std::to_string(stats.pending)},
        {oldest},
        {std::to_string(stats.processing)},
        {std::to_string(stats.scheduled)},
        {number_cell(queue.enqueued)},
        {number_cell(queue.completed)},
        {number_cell(queue.failed), fails ? Ink::bad : Ink::none},
        {queue.completed ? std::to_string(stats.dead) : "-"},
        {latency_cell(queue.latency_p50)},
        {latency_cell(queue.latency_p95)},
        {latency_cell(queue.latency_p99)},
        {stats.paused ? "paused" : "", Ink::busy},
    };
}

Duration seen_ago(const WorkerInfo& worker, Instant now) {
    return now.time_since_epoch() - worker.last_seen.time_since_epoch();
}

FittedRow worker_cells(const WorkerInfo& worker, Instant now) {
    const bool is_full = worker.concurrency != 0 && worker.running >= worker.concurrency;
    return {
        {worker.name},
        {std::to_string(worker.running), is_full ? Ink::busy : Ink::none},
        {worker.concurrency == 0 ? "-" : std::to_string(worker.concurrency)},
        {short_duration(seen_ago(worker, now)) + " ago"},
        {worker.version.empty() ? "-" : worker.version},
        {fmt::format("{}", fmt::join(worker.queues, ", "))},
    };
}

std::string top_title(const TopSample& now, const std::vector<TopQueue>& queues) {
    std::uint64_t pending = 0;
    std::uint64_t running = 0;
    double completed = 0;
    for (const TopQueue& queue : queues) {
        pending += queue.stats.pending;
        running += queue.stats.processing;
        completed += queue.completed.value_or(0);
    }
    std::string title =
        fmt::format("queues {}  pending {}  running {}", queues.size(), pending, running);
    if (now.counts) title += fmt::format("  done/s {}", short_number(completed));
    if (now.workers) title += fmt::format("  workers {}", now.workers->size());
    return title;
}

void set_number(Json& record, std::string_view name, const std::optional<double>& value) {
    record.set(name, value ? Json(*value) : Json());
}

void set_millis(Json& record, std::string_view name, const std::optional<double>& seconds) {
    record.set(name, seconds ? Json(*seconds * 1000) : Json());
}

Json queue_json(const TopQueue& queue) {
    const QueueStats& stats = queue.stats;
    Json record;
    record.set("name", stats.queue)
        .set("paused", stats.paused)
        .set("pending", stats.pending)
        .set("running", stats.processing)
        .set("scheduled", stats.scheduled)
        .set("dead", stats.dead)
        .set("oldest_ms", stats.oldest_pending ? Json(stats.oldest_pending->count()) : Json());
    set_number(record, "enqueued_per_second", queue.enqueued);
    set_number(record, "completed_per_second", queue.completed);
    set_number(record, "failed_per_second", queue.failed);
    set_millis(record, "latency_p50_ms", queue.latency_p50);
    set_millis(record, "latency_p95_ms", queue.latency_p95);
    set_millis(record, "latency_p99_ms", queue.latency_p99);
    return record;
}

Json top_worker_json(const WorkerInfo& worker) {
    Json::Array queues;
    for (const std::string& queue : worker.queues)
        queues.emplace_back(queue);
    Json record;
    record.set("name", worker.name)
        .set("running", worker.running)
        .set("concurrency", worker.concurrency == 0 ? Json() : Json(worker.concurrency))
        .set("last_seen", time_cell(worker.last_seen, {}))
        .set("version", worker.version.empty() ? Json() : Json(worker.version))
        .set("queues", std::move(queues));
    return record;
}

}  // namespace

std::vector<TopQueue> top_queues(const TopSample& before, const TopSample& now) {
    const Seconds between = now.at - before.at;
    std::vector<TopQueue> queues;
    for (const QueueStats& stats : now.queues) {
        TopQueue& queue = queues.emplace_back(TopQueue{.stats = stats});
        if (now.counts && between.count() > 0) add_rates(queue, before, between);
        add_latencies(queue, before, now);
    }
    std::ranges::sort(queues, [](const TopQueue& one, const TopQueue& other) {
        const auto rank = [](const TopQueue& queue) {
            const QueueStats& stats = queue.stats;
            return std::tuple(
                -stats.oldest_pending.value_or(Milliseconds::zero()).count(),
                -static_cast<std::int64_t>(stats.pending),
                -static_cast<std::int64_t>(stats.processing + stats.scheduled),
                std::string_view(stats.queue)
            );
        };
        return rank(one) < rank(other);
    });
    return queues;
}

std::vector<std::string> top_lines(
    const TopSample& before, const TopSample& now, const TableRoom& room
) {
    const std::vector<TopQueue> queues = top_queues(before, now);
    const std::string title = top_title(now, queues);
    std::vector<std::string> lines{room.colours ? inked(title, Ink::heading) : title};
    std::vector<FittedRow> rows;
    for (const TopQueue& queue : queues)
        rows.push_back(queue_row(queue));
    for (std::string& line : fitted_table(queue_columns, rows, room))
        lines.push_back(std::move(line));
    if (now.workers && !now.workers->empty()) {
        rows.clear();
        for (const WorkerInfo& worker : *now.workers)
            rows.push_back(worker_cells(worker, now.at));
        lines.emplace_back();
        for (std::string& line : fitted_table(worker_columns, rows, room))
            lines.push_back(std::move(line));
    }
    if (room.columns != 0) lines.front() = cut_line(lines.front(), room.columns);
    return lines;
}

Json top_json(const TopSample& before, const TopSample& now) {
    Json::Array queues;
    for (const TopQueue& queue : top_queues(before, now))
        queues.push_back(queue_json(queue));
    Json workers;
    if (now.workers) {
        workers = Json(Json::Array{});
        for (const WorkerInfo& worker : *now.workers)
            workers.push(top_worker_json(worker));
    }
    Json record;
    record.set("at", time_cell(TimePoint(now.at.time_since_epoch()), {}))
        .set("queues", std::move(queues))
        .set("workers", std::move(workers));
    return record;
}

}  // namespace tranter::cli
