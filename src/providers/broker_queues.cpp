#include "providers/broker_queues.hpp"

#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "jobs/queue_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>

namespace tranter::providers {
namespace {

using jobs::check_queue_name;
using jobs::dead_suffix;
using jobs::fifo_suffix;
using jobs::queue_name_bytes_max;

/// With more, it would take long to find out which one is meant.
constexpr std::size_t suggested_queues_max = 1'000;
constexpr std::uint32_t default_attempts = RetryPolicy{}.max_attempts;

broker::QueueSettings job_queue_settings(std::string_view name) {
    broker::QueueSettings settings;
    settings.engine.retention = Duration::zero();
    settings.engine.max_in_flight = 0;
    settings.engine.groups = {
        .order = engine::Order::none, .fairness = engine::Fairness::round_robin};
    if (!name.ends_with(dead_suffix)) {
        settings.engine.max_receives = default_attempts;
        settings.dead_letter_queue = fmt::format("{}{}", name, dead_suffix);
    }
    return settings;
}

/// Whether a message can become a dead letter by being received.
bool counts_receives(const broker::QueueSettings& settings) {
    return !settings.dead_letter_queue.empty() || settings.engine.max_receives > 0;
}

QueueLimits limits_of(const engine::QueuePolicy& policy) {
    return {
        .max_in_flight = policy.max_in_flight,
        .max_in_flight_per_group = policy.groups.max_in_flight_per_group,
        .max_queued_per_group = policy.groups.max_queued_per_group,
        .fair = policy.groups.fairness != engine::Fairness::off};
}

}  // namespace

JobQueuePtr JobQueues::find(std::string_view name) {
    const broker::QueueHandle handle = broker_.find_queue(name);
    return handle ? of(handle) : nullptr;
}

Result<JobQueuePtr> JobQueues::get(std::string_view name) {
    if (JobQueuePtr queue = find(name)) return queue;
    return no_such_queue(name);
}

Result<JobQueuePtr> JobQueues::look_up(std::string_view name) {
    if (JobQueuePtr queue = find(name)) return queue;
    const bool fifo = name.ends_with(fifo_suffix);
    const auto good =
        check_queue_name(name.substr(0, name.size() - (fifo ? fifo_suffix.size() : 0)));
    if (!good) return std::unexpected(good.error());
    return nullptr;
}

Result<JobQueuePtr> JobQueues::get_or_make(std::string_view name) {
    if (JobQueuePtr queue = find(name)) {
        find_place_for_dead(*queue);
        return queue;
    }
    if (name.ends_with(fifo_suffix)) {
        return fail(
            Errc::unsupported,
            fmt::format(
                "queue {} does not exist, and a FIFO queue is only made by the SQS API; jobs that "
                "must not overtake each other can share a group with max_in_flight_per_group 1",
                one_line(name.substr(0, queue_name_bytes_max))
            )
        );
    }
    if (auto good = check_queue_name(name); !good) return std::unexpected(good.error());
    const broker::QueueSettings settings = job_queue_settings(name);
    if (!settings.dead_letter_queue.empty()) {
        if (auto made = make(settings.dead_letter_queue); !made) {
            return std::unexpected(made.error());
        }
    }
    if (auto made = make(name); !made) return std::unexpected(made.error());
    return get(name);
}

Result<> JobQueues::make(std::string_view name) {
    if (broker_.find_queue(name)) return {};
    const auto made = broker_.create_queue(name, job_queue_settings(name));
    if (made || made.error().code() == Errc::already_exists) return {};
    return std::unexpected(made.error());
}

void JobQueues::look_for_dead_letter_queue(JobQueue& queue) {
    const std::string& name = queue.handle->name();
    const bool has_place = counts_receives(*queue.handle->settings()) ||
                           name.ends_with(dead_suffix) ||
                           !broker_.dead_letter_sources(name).empty();  // it is one itself
    if (has_place) {
        queue.is_unseen = false;
        return;
    }
    if (!check_queue_name(name)) {
        if (!queue.is_unseen.exchange(false)) return;
        log_warn(
            "jobs",
            "dead jobs of the queue will be in the history alone, it has no dead-letter queue",
            {{"queue", name}}
        );
        return;
    }
    const std::string dead = fmt::format("{}{}", name, dead_suffix);
    if (!make(dead)) return;  // a disk without space has some later
    const auto sent = send_dead_jobs(queue, dead);
    if (!sent) return;
    queue.is_unseen = false;
    if (!*sent) return;
    log_info(
        "jobs",
        "dead jobs of the queue go to another, as it had no dead-letter queue",
        {{"queue", name}, {"dead_letter_queue", dead}}
    );
}

Result<bool> JobQueues::send_dead_jobs(const JobQueue& queue, const std::string& to) {
    bool is_new = false;
    const auto changed =
        broker_.change_settings(queue.handle, [&](broker::QueueSettings& settings) -> Result<> {
            is_new = !counts_receives(settings);
            if (is_new) settings.dead_letter_queue = to;
            return {};
        });
    if (!changed) return std::unexpected(changed.error());
    return is_new;
}

std::unexpected<Error> JobQueues::no_such_queue(std::string_view name) const {
    const std::string shown = one_line(name.substr(0, queue_name_bytes_max));
    const auto queues = broker_.list_queues({}, {}, suggested_queues_max);
    std::vector<std::string_view> names;
    for (const broker::QueueHandle& queue : queues)
        names.push_back(queue->name());
    return fail(
        Errc::not_found, fmt::format("queue {} does not exist{}", shown, did_you_mean(shown, names))
    );
}

JobQueuePtr JobQueues::of(const broker::QueueHandle& handle) {
    {
        const std::shared_lock lock(mutex_);
        const auto found = queues_.find(handle->id());
        if (found != queues_.end()) return found->second;
    }
    const std::lock_guard lock(mutex_);
    // Those of queues that were deleted meanwhile. Rare enough to look at all.
    std::erase_if(queues_, [this](const auto& each) { return !broker_.find_queue(each.first); });
    JobQueuePtr& queue = queues_[handle->id()];
    if (!queue) queue = std::make_shared<JobQueue>(handle, type_names_);
    return queue;
}

std::vector<broker::QueueHandle> JobQueues::all() const {
    return broker_.list_queues({}, {}, std::numeric_limits<std::size_t>::max());
}

std::string JobQueues::dead_from(const broker::Queue& queue, const engine::MessageView& message)
    const {
    // Whatever brings a dead letter back, or elsewhere, forgets where it came from.
    if (message.source_queue == 0) return {};
    const auto source = broker_.find_queue(broker::QueueId{message.source_queue});
    if (source) return source->name();
    const std::string& name = queue.name();
    if (!name.ends_with(dead_suffix)) return name;
    return name.substr(0, name.size() - dead_suffix.size());
}

std::vector<JobQueueMetrics> JobQueues::metrics() const {
    std::vector<JobQueueMetrics> all;
    {
        const std::shared_lock lock(mutex_);
        for (const auto& [id, queue] : queues_) {
            JobQueueMetrics metrics = queue->types.read();
            if (metrics.types.empty() && metrics.queue_latency.total() == 0) continue;
            if (!broker_.find_queue(id)) continue;  // deleted
            metrics.queue = queue->handle->name();
            all.push_back(std::move(metrics));
        }
    }
    std::ranges::sort(all, {}, &JobQueueMetrics::queue);
    return all;
}

QueueStats JobQueues::stats(const JobQueue& queue) const {
    const Instant now = broker_.now();
    const engine::Counters counters = queue.handle->counters(now);
    const broker::SettingsSnapshot settings = queue.handle->settings();
    QueueStats stats{
        .queue = queue.handle->name(),
        .paused = settings->engine.paused,
        .limits = limits_of(settings->engine),
        .pending = counters.visible,
        .scheduled = counters.delayed,
        .processing = counters.in_flight,
        .completed = queue.completed,
        .failed = queue.failed,
        .dead = queue.dead,
        .cancelled = queue.cancelled,
        .dead_letter_queue = settings->dead_letter_queue};
    if (counters.visible > 0) {
        if (const auto oldest = queue.handle->oldest(now)) {
            stats.oldest_pending = std::chrono::duration_cast<Milliseconds>(now - *oldest);
        }
    }
    return stats;
}

Result<broker::Position> JobQueues::set_paused(const JobQueue& queue, bool paused) {
    return broker_.change_settings(
        queue.handle,
        [paused](broker::QueueSettings& settings) -> Result<> {
            settings.engine.paused = paused;
            return {};
        }
    );
}

Result<broker::Position> JobQueues::set_limits(const JobQueue& queue, const QueueLimits& limits) {
    return broker_.change_settings(
        queue.handle,
        [&limits](broker::QueueSettings& settings) -> Result<> {
            settings.engine.max_in_flight = limits.max_in_flight;
            engine::GroupPolicy& groups = settings.engine.groups;
            groups.max_in_flight_per_group = limits.max_in_flight_per_group;
            groups.max_queued_per_group = limits.max_queued_per_group;
            const bool is_fair = groups.fairness != engine::Fairness::off;
            if (limits.fair != is_fair) {
                groups.fairness =
                    limits.fair ? engine::Fairness::round_robin : engine::Fairness::off;
            }
            return {};
        }
    );
}

}  // namespace tranter::providers
