#include "worker/tally.hpp"

#include "base/log.hpp"
#include "worker/task.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

namespace tranter::worker {

namespace {

using Seconds = std::chrono::duration<double>;

/// What the log and the figures call the ends of an attempt.
enum class End : std::uint8_t { completed, retry, released, snoozed, dead, cancelled, lost };

struct EndKind {
    std::string_view name;
    LogLevel level;
    std::string_view message;
    std::uint64_t WorkerCounts::*count;
};

/// A success is no news: a busy worker has thousands a second.
constexpr std::array end_kinds{
    EndKind{"completed", LogLevel::debug, "an attempt completed its job", &WorkerCounts::completed},
    EndKind{"failed", LogLevel::warn, "an attempt failed, another follows", &WorkerCounts::failed},
    EndKind{"released", LogLevel::debug, "a job was given back", &WorkerCounts::released},
    EndKind{"snoozed", LogLevel::debug, "a job was put off", &WorkerCounts::snoozed},
    EndKind{"dead", LogLevel::error, "a job is dead", &WorkerCounts::dead},
    EndKind{"cancelled", LogLevel::info, "a job was cancelled", &WorkerCounts::cancelled},
    EndKind{"lost", LogLevel::warn, "the outcome of an attempt is lost", &WorkerCounts::lost},
};

const EndKind& kind_of(End end) {
    return end_kinds[static_cast<std::size_t>(end)];
}

End end_of(const ReceivedJob& job, const AttemptOutcome& outcome) {
    // In the order of the variant.
    constexpr std::array<End, std::variant_size_v<AttemptOutcome>> ends{
        End::completed, End::retry, End::released, End::snoozed, End::dead, End::cancelled};
    const bool was_last =
        std::holds_alternative<Failed>(outcome) && job.attempt >= job.options.retry.max_attempts;
    return was_last ? End::dead : ends[outcome.index()];
}

struct Trouble {
    std::string_view type{};
    std::string_view text{};
};

Trouble trouble_of(const AttemptOutcome& outcome) {
    if (const auto* failed = std::get_if<Failed>(&outcome)) return {failed->type, failed->text};
    if (const auto* dead = std::get_if<Dead>(&outcome)) return {dead->type, dead->reason};
    return {};
}

/// The types are those of our own handlers.
FailureReason reason_of(std::string_view type) {
    if (type == "timeout" || type == "stuck") return FailureReason::timeout;
    if (type == "signal" || type == "handler_died") return FailureReason::crash;
    return FailureReason::error;
}

/// Nothing when the handler did not begin.
std::optional<Seconds> run_time(const Task& task) {
    const Moment begun_at = task.begun_at.load(std::memory_order_relaxed);
    if (begun_at == Moment()) return std::nullopt;
    const Moment ended_at = task.ended_at.load(std::memory_order_relaxed);
    return (ended_at == Moment() ? Steady::now() : ended_at) - begun_at;
}

/// Zero when it was not measured.
Seconds age_of(const Task& task) {
    const Moment ended_at = task.ended_at.load(std::memory_order_relaxed);
    return ended_at == Moment() ? Seconds() : Seconds(ended_at - task.created);
}

void count_failure(JobTypeMetrics& ended, FailureReason reason) {
    ++ended.failed[static_cast<std::size_t>(reason)];
}

/// Of a job that has no further attempt.
void measure_whole(JobTypeMetrics& ended, const ReceivedJob& job, Seconds since_creation) {
    ended.total_duration.add(duration_bounds, since_creation.count());
    ended.attempts.add(attempt_bounds, job.attempt);
}

void measure(
    JobTypeMetrics& ended,
    End end,
    const ReceivedJob& job,
    const AttemptOutcome& outcome,
    Seconds since_creation
) {
    switch (end) {
        case End::completed:
            ++ended.completed;
            return measure_whole(ended, job, since_creation);
        case End::retry:
            ++ended.retried;
            return count_failure(ended, reason_of(trouble_of(outcome).type));
        case End::dead:
            ++ended.dead;
            count_failure(ended, reason_of(trouble_of(outcome).type));
            return measure_whole(ended, job, since_creation);
        case End::released:
            ++ended.released;
            return;
        case End::snoozed:
            ++ended.snoozed;
            return;
        case End::cancelled:
            ++ended.cancelled;
            return;
        case End::lost:
            return count_failure(ended, FailureReason::lost_lease);
    }
}

void tell(const Task& task, End end, std::optional<Seconds> time, Trouble trouble) {
    const EndKind& kind = kind_of(end);
    if (!logs_at(kind.level, "worker")) return;
    const ReceivedJob& job = task.job();
    const double millis = time ? std::round(time->count() * 1e6) / 1e3 : 0;
    log_line(
        kind.level,
        "worker",
        kind.message,
        {{"job_id", job.id},
         {"job_type", job.type},
         {"queue", job.queue},
         {"attempt", job.attempt},
         {"duration_ms", millis},
         {"outcome", kind.name},
         {"error_type", trouble.type},
         {"error", trouble.text}}
    );
}

/// What both clocks show at the same moment.
struct Now {
    Moment steady = Steady::now();
    TimePoint wall =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());

    std::optional<TimePoint> to_wall(Moment moment) const {
        if (moment == Moment()) return std::nullopt;
        return wall - std::chrono::round<std::chrono::microseconds>(steady - moment);
    }
};

void show(const Observers& observers, const Task& task, End end, Trouble trouble) {
    constexpr std::array endings{
        AttemptEnding::completed,
        AttemptEnding::failed,
        AttemptEnding::released,
        AttemptEnding::snoozed,
        AttemptEnding::dead,
        AttemptEnding::cancelled,
        AttemptEnding::lost};
    static_assert(endings.size() == end_kinds.size());
    const Now now;
    observers.ended(
        {.job = task.job(),
         .enqueued_in = task.enqueued_in,
         .ending = endings[static_cast<std::size_t>(end)],
         .error_type = trouble.type,
         .error = trouble.text,
         .begun_at = now.to_wall(task.begun_at.load(std::memory_order_relaxed)),
         .ended_at = now.to_wall(task.ended_at.load(std::memory_order_relaxed))},
        task.seen_by
    );
}

}  // namespace

void Tally::expect(std::string_view queue, std::span<const std::string> types) {
    for (const std::string& type : types)
        meters_.of(queue, type);
}

void Tally::meet(std::span<const std::shared_ptr<Task>> tasks) {
    const Moment now = Steady::now();
    const TimePoint wall_clock =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    const ReceivedJob* last = nullptr;
    JobMeter* meter = nullptr;
    for (const auto& task : tasks) {
        const ReceivedJob& job = task->job();
        const bool is_same = last != nullptr && last->type == job.type && last->queue == job.queue;
        if (!is_same) meter = &meters_.of(job.queue, job.type);
        last = &job;
        task->meter = meter;
        task->created =
            now - std::chrono::duration_cast<Steady::duration>(wall_clock - job.created_at);
        if (job.due_at)
            task->due =
                now - std::chrono::duration_cast<Steady::duration>(wall_clock - *job.due_at);
    }
}

void Tally::began(const Task& task) {
    if (task.meter == nullptr || task.due == Moment()) return;
    task.meter->queue_latency.put(task.begun_at.load(std::memory_order_relaxed) - task.due);
}

void Tally::add(const Task& task, const AttemptOutcome& outcome) {
    const ReceivedJob& job = task.job();
    const End end = end_of(job, outcome);
    const auto time = run_time(task);
    {
        const std::lock_guard lock(mutex_);
        ++(counts_.*kind_of(end).count);
        if (task.meter != nullptr) {
            JobTypeMetrics& ended = task.meter->ended;
            if (time) ended.run_duration.add(duration_bounds, time->count());
            measure(ended, end, job, outcome, age_of(task));
        }
    }
    tell(task, end, time, trouble_of(outcome));
    if (observers_ != nullptr && observers_->any())
        show(*observers_, task, end, trouble_of(outcome));
}

void Tally::add_lost(const Task& task, std::string_view why, bool is_running) {
    const auto time = run_time(task);
    {
        const std::lock_guard lock(mutex_);
        ++counts_.lost;
        if (task.meter != nullptr) {
            JobTypeMetrics& ended = task.meter->ended;
            if (time) ended.run_duration.add(duration_bounds, time->count());
            if (is_running && time) ++ended.stalled;
            measure(ended, End::lost, task.job(), Released{}, {});
        }
    }
    tell(task, End::lost, time, {.text = why});
    if (observers_ != nullptr && observers_->any()) {
        show(*observers_, task, End::lost, {.text = why});
    }
}

Tally::Introduction Tally::introduce_to_all(ReceivedJob& job) const {
    Introduction introduction{.enqueued_in = job.options.traceparent};
    introduction.seen_by = observers_->received(job);
    return introduction;
}

WorkerCounts Tally::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

WorkerMetrics Tally::metrics(std::span<const std::shared_ptr<Task>> running) const {
    WorkerMetrics metrics{
        .lease_extensions = extensions_.load(std::memory_order_relaxed),
        .poll_duration = polls_.read()};
    const auto meters = meters_.all();
    metrics.jobs.reserve(meters.size());
    for (const JobMeter* meter : meters) {
        const auto is_its = [meter](const auto& task) {
            return task->meter == meter;
        };
        std::unique_lock lock(mutex_);
        JobTypeMetrics& one = metrics.jobs.emplace_back(meter->ended);
        lock.unlock();
        one.queue_latency = meter->queue_latency.read();
        one.running = static_cast<std::size_t>(std::ranges::count_if(running, is_its));
    }
    return metrics;
}

}  // namespace tranter::worker
