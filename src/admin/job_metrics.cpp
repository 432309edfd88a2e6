#include "admin/job_metrics.hpp"

#include <array>
#include <span>
#include <string_view>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

constexpr std::array<std::string_view, failure_reasons> reason_names{
    "error", "timeout", "crash", "lost_lease"};

struct JobCounter {
    std::string_view name;
    std::string_view help;
    std::uint64_t JobTypeMetrics::*member;
};

constexpr std::array job_counters{
    JobCounter{
        "tranter_jobs_completed_total",
        "Jobs whose handler succeeded.",
        &JobTypeMetrics::completed},
    JobCounter{
        "tranter_jobs_retried_total",
        "Failed attempts that another one follows.",
        &JobTypeMetrics::retried},
    JobCounter{
        "tranter_jobs_dead_total",
        "Jobs that failed and have no attempt left.",
        &JobTypeMetrics::dead},
    JobCounter{
        "tranter_jobs_snoozed_total", "Jobs that their handler put off.", &JobTypeMetrics::snoozed},
    JobCounter{
        "tranter_jobs_released_total",
        "Jobs that were given back without an attempt.",
        &JobTypeMetrics::released},
    JobCounter{
        "tranter_jobs_cancelled_total",
        "Jobs that stopped because somebody cancelled them.",
        &JobTypeMetrics::cancelled},
    JobCounter{
        "tranter_job_stalled_total",
        "Jobs whose lease ended while their handler ran.",
        &JobTypeMetrics::stalled},
};

struct JobHistogram {
    std::string_view name;
    std::string_view help;
    DurationBuckets JobTypeMetrics::*member;
};

constexpr std::array job_histograms{
    JobHistogram{
        "tranter_job_queue_latency_seconds",
        "From when a job was due until its handler began.",
        &JobTypeMetrics::queue_latency},
    JobHistogram{
        "tranter_job_run_duration_seconds",
        "How long attempts ran.",
        &JobTypeMetrics::run_duration},
    JobHistogram{
        "tranter_job_total_duration_seconds",
        "From the enqueue until a job was completed or dead.",
        &JobTypeMetrics::total_duration},
};

void render_failures(Exposition& out, const std::vector<JobTypeMetrics>& jobs) {
    constexpr std::string_view name = "tranter_jobs_failed_total";
    out.header(name, Type::counter, "Attempts that failed, by reason.");
    for (const JobTypeMetrics& job : jobs) {
        for (std::size_t i = 0; i < failure_reasons; ++i) {
            out.sample(
                name,
                {{"queue", job.queue}, {"job_type", job.type}, {"reason", reason_names[i]}},
                static_cast<double>(job.failed[i])
            );
        }
    }
}

void render_attempts(Exposition& out, const std::vector<JobTypeMetrics>& jobs) {
    constexpr std::string_view name = "tranter_job_attempts";
    out.header(name, Type::histogram, "Attempts that completed and dead jobs took.");
    for (const JobTypeMetrics& job : jobs) {
        out.histogram(
            name,
            {{"queue", job.queue}, {"job_type", job.type}},
            attempt_bounds,
            job.attempts.counts,
            job.attempts.sum
        );
    }
}

}  // namespace

void render_jobs(Exposition& out, const std::vector<JobTypeMetrics>& jobs) {
    const auto each = [&](std::string_view name, auto member) {
        for (const JobTypeMetrics& job : jobs) {
            out.sample(
                name,
                {{"queue", job.queue}, {"job_type", job.type}},
                static_cast<double>(job.*member)
            );
        }
    };
    for (const JobCounter& counter : job_counters) {
        out.header(counter.name, Type::counter, counter.help);
        each(counter.name, counter.member);
    }
    render_failures(out, jobs);
    out.header("tranter_jobs_running", Type::gauge, "Jobs whose handler runs.");
    each("tranter_jobs_running", &JobTypeMetrics::running);
    for (const JobHistogram& histogram : job_histograms) {
        out.header(histogram.name, Type::histogram, histogram.help);
        for (const JobTypeMetrics& job : jobs) {
            const DurationBuckets& buckets = job.*histogram.member;
            out.histogram(
                histogram.name,
                {{"queue", job.queue}, {"job_type", job.type}},
                duration_bounds,
                buckets.counts,
                buckets.sum
            );
        }
    }
    render_attempts(out, jobs);
}

void render_spans(Exposition& out, const SpanCounts& counts) {
    constexpr std::string_view name = "tranter_spans_total";
    out.header(name, Type::counter, "Spans of jobs, by what became of them.");
    const auto one = [&](std::string_view outcome, std::uint64_t count) {
        out.sample(name, {{"outcome", outcome}}, static_cast<double>(count));
    };
    one("exported", counts.exported);
    one("dropped", counts.dropped);
    one("failed", counts.failed);
    const auto waiting = static_cast<double>(counts.waiting);
    out.figure("tranter_spans_waiting", Type::gauge, "Spans to be exported.", waiting);
}

}  // namespace tranter::admin
