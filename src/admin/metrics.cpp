#include "admin/metrics.hpp"

#include "admin/job_metrics.hpp"
#include "admin/process_metrics.hpp"

#include <array>
#include <functional>
#include <set>
#include <string>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

struct QueueFigures {
    std::string name;
    engine::Counters counters{};
    double oldest_age_seconds = 0;
    double oldest_in_flight_seconds = 0;
    std::size_t waiting = 0;
    bool holds_dead = false;  // it is the dead-letter queue of another one
};

struct CounterMetric {
    std::string_view name;
    std::string_view help;
    std::uint64_t engine::Counters::*member;
};

constexpr std::array counter_metrics{
    CounterMetric{
        "tranter_messages_sent_total",
        "Messages accepted, without moves between queues.",
        &engine::Counters::sent},
    CounterMetric{
        "tranter_messages_received_total",
        "Deliveries, repeated ones included.",
        &engine::Counters::received},
    CounterMetric{
        "tranter_messages_taken_back_total",
        "Deliveries that did not reach their consumer; they count as received.",
        &engine::Counters::taken_back},
    CounterMetric{
        "tranter_messages_deleted_total",
        "Messages deleted by a consumer.",
        &engine::Counters::deleted},
    CounterMetric{
        "tranter_messages_expired_total",
        "Messages dropped at the end of their retention.",
        &engine::Counters::expired},
    CounterMetric{
        "tranter_messages_dead_lettered_total",
        "Messages moved to the dead-letter queue.",
        &engine::Counters::dead_lettered},
    CounterMetric{
        "tranter_messages_redriven_total",
        "Messages that came from another queue, as dead letters or by a move task.",
        &engine::Counters::moved_in},
    CounterMetric{
        "tranter_receives_empty_total",
        "Receives answered without a message.",
        &engine::Counters::empty_receives},
    CounterMetric{
        "tranter_deduplicated_total",
        "Sends recognised as duplicates.",
        &engine::Counters::deduplicated},
};

std::vector<QueueFigures> collect(const broker::Broker& broker) {
    const Instant now = broker.now();
    std::vector<QueueFigures> all;
    std::set<std::string, std::less<>> dead_letter_queues;
    const auto queues = broker.list_queues({}, {}, std::string::npos);
    all.reserve(queues.size());
    for (const auto& queue : queues) {
        const std::string& dead = queue->settings()->dead_letter_queue;
        if (!dead.empty()) dead_letter_queues.insert(dead);
        QueueFigures figures{
            .name = queue->name(), .counters = queue->counters(now), .waiting = queue->waiting()};
        if (const auto oldest = queue->oldest(now)) {
            figures.oldest_age_seconds = std::chrono::duration<double>(now - *oldest).count();
        }
        if (const auto longest = queue->longest_in_flight(now)) {
            figures.oldest_in_flight_seconds =
                std::chrono::duration<double>(now - *longest).count();
        }
        all.push_back(std::move(figures));
    }
    for (QueueFigures& figures : all)
        figures.holds_dead = dead_letter_queues.contains(figures.name);
    return all;
}

void render_dead(Exposition& out, const std::vector<QueueFigures>& queues) {
    constexpr std::string_view name = "tranter_queue_dead_messages";
    out.header(name, Type::gauge, "Messages in a queue that is the dead-letter queue of another.");
    for (const QueueFigures& queue : queues) {
        if (!queue.holds_dead) continue;
        const engine::Counters& counters = queue.counters;
        const std::uint64_t all = counters.visible + counters.in_flight + counters.delayed;
        out.sample(name, {{"queue", queue.name}}, static_cast<double>(all));
    }
}

struct StoreCounter {
    std::string_view name;
    std::string_view help;
    std::uint64_t JobTypeCounts::*member;
};

constexpr std::array store_counters{
    StoreCounter{
        "tranter_jobs_enqueued_total",
        "Jobs enqueued, without duplicates.",
        &JobTypeCounts::enqueued},
    StoreCounter{"tranter_jobs_completed_total", "Jobs completed.", &JobTypeCounts::completed},
    StoreCounter{"tranter_jobs_failed_total", "Attempts that failed.", &JobTypeCounts::failed},
    StoreCounter{
        "tranter_jobs_dead_total",
        "Jobs that failed and have no attempt left.",
        &JobTypeCounts::dead},
    StoreCounter{
        "tranter_jobs_cancelled_total",
        "Jobs that were cancelled or came to their deadline.",
        &JobTypeCounts::cancelled},
    StoreCounter{
        "tranter_job_stalled_total",
        "Jobs received again because the lease of a worker ended.",
        &JobTypeCounts::stalled},
};

void render_store_jobs(Exposition& out, const std::vector<JobQueueMetrics>& queues) {
    for (const StoreCounter& counter : store_counters) {
        out.header(counter.name, Type::counter, counter.help);
        for (const JobQueueMetrics& queue : queues) {
            for (const JobTypeCounts& type : queue.types) {
                out.sample(
                    counter.name,
                    {{"queue", queue.queue}, {"job_type", type.type}},
                    static_cast<double>(type.*counter.member)
                );
            }
        }
    }
    constexpr std::string_view latency = "tranter_job_queue_latency_seconds";
    out.header(latency, Type::histogram, "From when a job was due until a worker received it.");
    for (const JobQueueMetrics& queue : queues) {
        const DurationBuckets& buckets = queue.queue_latency;
        out.histogram(
            latency, {{"queue", queue.queue}}, duration_bounds, buckets.counts, buckets.sum
        );
    }
}

void render_history(Exposition& out, const HistoryCounts& counts) {
    constexpr std::string_view name = "tranter_history_jobs_total";
    out.header(name, Type::counter, "Finished jobs and failed attempts, by what history did.");
    const auto sample = [&](std::string_view outcome, std::uint64_t count) {
        out.sample(name, {{"outcome", outcome}}, static_cast<double>(count));
    };
    sample("written", counts.written);
    sample("dropped", counts.dropped);
    sample("outnumbered", counts.outnumbered);
    sample("refused", counts.refused);
    out.header("tranter_history_jobs_waiting", Type::gauge, "Finished jobs to be written.");
    out.sample("tranter_history_jobs_waiting", {}, static_cast<double>(counts.waiting));
}

void render_queues(Exposition& out, const std::vector<QueueFigures>& queues) {
    out.header("tranter_queue_messages", Type::gauge, "Messages in a queue by state.");
    for (const auto& queue : queues) {
        const auto state = [&](std::string_view name, std::uint64_t count) {
            out.sample(
                "tranter_queue_messages",
                {{"queue", queue.name}, {"state", name}},
                static_cast<double>(count)
            );
        };
        state("visible", queue.counters.visible);
        state("inflight", queue.counters.in_flight);
        state("delayed", queue.counters.delayed);
    }
    const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
        out.header(name, Type::gauge, help);
        for (const auto& queue : queues) {
            out.sample(name, {{"queue", queue.name}}, static_cast<double>(value(queue)));
        }
    };
    gauge(
        "tranter_queue_oldest_age_seconds",
        "Age of the oldest message, 0 when there is none.",
        [](const QueueFigures& queue) { return queue.oldest_age_seconds; }
    );
    gauge(
        "tranter_queue_oldest_inflight_seconds",
        "How long the longest delivery has been in flight, 0 when there is none.",
        [](const QueueFigures& queue) { return queue.oldest_in_flight_seconds; }
    );
    render_dead(out, queues);
    gauge("tranter_queue_bytes", "Bytes of the messages held.", [](const QueueFigures& queue) {
        return queue.counters.bytes;
    });
    gauge("tranter_long_polls_waiting", "Receives waiting for a message.", [](const auto& queue) {
        return queue.waiting;
    });
    gauge(
        "tranter_queue_groups_inflight",
        "Message groups with a message in flight.",
        [](const QueueFigures& queue) { return queue.counters.groups_in_flight; }
    );
    gauge(
        "tranter_queue_noisy_groups",
        "Message groups that wait behind quieter ones.",
        [](const QueueFigures& queue) { return queue.counters.noisy_groups; }
    );
    for (const CounterMetric& metric : counter_metrics) {
        out.header(metric.name, Type::counter, metric.help);
        for (const auto& queue : queues) {
            const auto value = static_cast<double>(queue.counters.*metric.member);
            out.sample(metric.name, {{"queue", queue.name}}, value);
        }
    }
}

void render_front_end(Exposition& out, const MetricsSources& sources) {
    if (sources.connections) {
        out.header("tranter_connections", Type::gauge, "Open client connections of the SQS port.");
        out.sample("tranter_connections", {}, static_cast<double>(sources.connections()));
    }
    if (sources.requests) {
        out.header("tranter_api_requests_total", Type::counter, "Requests answered, by result.");
        for (const RequestCount& request : sources.requests()) {
            out.sample(
                "tranter_api_requests_total",
                {{"action", request.action}, {"code", request.code}},
                static_cast<double>(request.count)
            );
        }
    }
}

void render_durations(Exposition& out, const std::vector<RequestDurations>& actions) {
    constexpr std::string_view name = "tranter_api_request_duration_seconds";
    out.header(name, Type::histogram, "From a request to its answer, with the wait of long polls.");
    for (const RequestDurations& one : actions)
        out.histogram(name, {{"action", one.action}}, one.bounds, one.counts, one.sum);
}

}  // namespace

void render_metrics(
    Exposition& out, broker::Broker& broker, const MetricsSources& sources, Instant started
) {
    render_queues(out, collect(broker));
    render_storage(out, sources.storage, broker.journal());
    render_front_end(out, sources);
    if (sources.durations) render_durations(out, sources.durations());
    if (sources.jobs) render_store_jobs(out, sources.jobs());
    const auto history = sources.history ? sources.history() : std::nullopt;
    if (history) render_history(out, *history);
    const auto spans = sources.spans ? sources.spans() : std::nullopt;
    if (spans) render_spans(out, *spans);
    render_process(out, sources.version, started);
}

}  // namespace tranter::admin
