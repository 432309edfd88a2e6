#include "jobs/supported.hpp"

#include "base/duration.hpp"
#include "jobs/options_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace tranter::jobs {

namespace {

constexpr std::string_view where_jobs_wait =
    "later jobs wait in a store of schedules, when one is named (schedule_store, --store)";

std::string what_is_too_late(const NewJob& job, const Provider& provider) {
    const Milliseconds limit = provider.capabilities().delay_max;
    if (limit.count() == 0) return {};
    if (job.delay > limit) {
        return fmt::format(
            "delay is {}, the longest that {} can do is {}; {}",
            format_duration(job.delay),
            provider.name(),
            format_duration(limit),
            where_jobs_wait
        );
    }
    // In nanoseconds, times of all years would not fit.
    const auto now =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    if (job.run_at && *job.run_at - now > limit) {
        return fmt::format(
            "run_at is further away than {}, the longest delay that {} can do; {}",
            format_duration(limit),
            provider.name(),
            where_jobs_wait
        );
    }
    return {};
}

}  // namespace

std::string what_is_unsupported(const NewJob& job, const Provider& provider) {
    const Capabilities& can = provider.capabilities();
    if (job.options.priority != priority_default && !can.priorities) {
        return fmt::format(
            "priority is {}, but {} has no priorities: leave it at {}",
            job.options.priority,
            provider.name(),
            priority_default
        );
    }
    if (job.options.dedup && !can.dedup) {
        const DedupMode mode = job.options.dedup->mode;
        if (!can.dedup_simple_fifo) {
            return fmt::format("dedup is set, but {} cannot de-duplicate", provider.name());
        }
        if (mode != DedupMode::simple) {
            return fmt::format(
                "dedup.mode is {}, but {} can only do simple", mode_name(mode), provider.name()
            );
        }
    }
    return what_is_too_late(job, provider);
}

Result<std::vector<Enqueued>> enqueue_in_batches(
    Provider& provider, std::string_view queue, std::span<const NewJob> jobs
) {
    const Capabilities& can = provider.capabilities();
    if (jobs.size() <= can.batch_max) return provider.enqueue(queue, jobs);
    if (can.atomic_batch) {
        return fail(
            Errc::limit_exceeded,
            fmt::format("{} jobs in one call, limit is {}", jobs.size(), can.batch_max)
        );
    }
    std::vector<Enqueued> all;
    all.reserve(jobs.size());
    while (!jobs.empty()) {
        const std::size_t count = std::min(jobs.size(), can.batch_max);
        auto some = provider.enqueue(queue, jobs.first(count));
        if (!some) return some;
        std::ranges::move(*some, std::back_inserter(all));
        jobs = jobs.subspan(count);
    }
    return all;
}

}  // namespace tranter::jobs
