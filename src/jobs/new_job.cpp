#include "base/duration.hpp"
#include "base/encoding.hpp"
#include "base/log_text.hpp"
#include "base/uuid.hpp"
#include "jobs/trace_context.hpp"
#include "jobs/value_path.hpp"

#include <tranter/job.hpp>
#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tranter {

namespace {

// Further away than that is a mistake in the unit.
constexpr Milliseconds duration_max = std::chrono::days(3650);

constexpr TimePoint time_max{std::chrono::sys_days(std::chrono::year(9999) / 12 / 31)};

std::string in_double_quotes(std::string_view text) {
    constexpr std::size_t shown_bytes_max = 64;
    return fmt::format("\"{}\"", one_line(jobs::shortened(text, shown_bytes_max)));
}

std::string duration_text(Milliseconds duration) {
    if (duration > duration_max * 100 || duration.count() < 0) {
        return fmt::format("{}ms", duration.count());
    }
    return format_duration(duration);
}

std::string problem_of_duration(std::string_view name, Milliseconds duration) {
    if (duration.count() < 0) {
        return fmt::format("{} is {}, it must not be below zero", name, duration_text(duration));
    }
    if (duration > duration_max) {
        return fmt::format(
            "{} is {}, limit is {}", name, duration_text(duration), duration_text(duration_max)
        );
    }
    return {};
}

std::string problem_of_time(std::string_view name, std::optional<TimePoint> time) {
    if (!time || (*time >= TimePoint() && *time <= time_max)) return {};
    return fmt::format(
        "{} is {} us from 1970, it must be a time from 1970 to 9999",
        name,
        time->time_since_epoch().count()
    );
}

/// One line that everything can carry.
std::string problem_of_text(std::string_view name, std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        return fmt::format("{} is {} bytes, limit is {}", name, text.size(), bytes_max);
    }
    const bool has_control =
        std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (has_control || !is_valid_utf8(text)) {
        return fmt::format(
            "{} is {}, it must be UTF-8 without control characters", name, in_double_quotes(text)
        );
    }
    return {};
}

std::string problem_of_type(std::string_view type) {
    if (!is_valid_kind(type)) {
        return fmt::format(
            "type is {}, it must be 1 to {} letters, digits and _ - . : /",
            in_double_quotes(type),
            kind_bytes_max
        );
    }
    if (type.starts_with("__")) {
        return fmt::format(
            "type is {}, names that begin with __ are reserved", in_double_quotes(type)
        );
    }
    return {};
}

std::string problem_of_retry(const RetryPolicy& retry) {
    if (const std::string_view problem = retry.problem(); !problem.empty()) {
        return std::string(problem);
    }
    if (!std::isfinite(retry.factor)) return "retry.factor is not a finite number";
    return problem_of_duration("retry.max", retry.max);
}

std::string problem_of_dedup(const Dedup& dedup) {
    if (dedup.key.empty()) {
        return fmt::format("dedup.key is empty, it must be 1 to {} bytes", dedup_key_bytes_max);
    }
    if (auto problem = problem_of_text("dedup.key", dedup.key, dedup_key_bytes_max);
        !problem.empty()) {
        return problem;
    }
    if (auto problem = problem_of_duration("dedup.ttl", dedup.ttl); !problem.empty()) {
        return problem;
    }
    const bool timed = dedup.mode == DedupMode::throttle || dedup.mode == DedupMode::debounce;
    if (dedup.mode == DedupMode::throttle && dedup.ttl.count() == 0) {
        return "dedup.ttl is 0, throttle needs the time for which it holds";
    }
    if (!timed && dedup.ttl.count() != 0) {
        return fmt::format(
            "dedup.ttl is {}, only throttle and debounce have one", duration_text(dedup.ttl)
        );
    }
    return {};
}

std::string problem_of_tags(const std::vector<std::string>& tags) {
    if (tags.size() > tags_max) {
        return fmt::format("tags are {}, limit is {}", tags.size(), tags_max);
    }
    for (std::size_t i = 0; i < tags.size(); ++i) {
        const std::string name = fmt::format("tags[{}]", i);
        if (tags[i].empty()) {
            return fmt::format("{} is empty, it must be 1 to {} bytes", name, tag_bytes_max);
        }
        auto problem = problem_of_text(name, tags[i], tag_bytes_max);
        if (!problem.empty()) return problem;
    }
    return {};
}

std::string problem_of_runs(const JobOptions& options) {
    if (options.runs == 0 || options.runs > runs_max) {
        return fmt::format("runs is {}, it must be 1 to {}", options.runs, runs_max);
    }
    if (options.max_parallel_runs > options.runs) {
        return fmt::format(
            "max_parallel_runs is {}, it must not be above runs, which is {}",
            options.max_parallel_runs,
            options.runs
        );
    }
    if (options.success.runs_needed > options.runs) {
        return fmt::format(
            "success is {}, it must not need more than runs, which is {}",
            options.success.to_text(),
            options.runs
        );
    }
    return {};
}

std::string problem_of_trace(const JobOptions& options) {
    if (!options.traceparent.empty() && !jobs::parse_traceparent(options.traceparent)) {
        return fmt::format(
            "traceparent is {}, it must be like "
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            in_double_quotes(options.traceparent)
        );
    }
    if (options.tracestate.empty()) return {};
    if (options.traceparent.empty()) return "tracestate is set, it needs a traceparent";
    if (jobs::is_tracestate(options.tracestate)) return {};
    return fmt::format(
        "tracestate is {} bytes, it must be 1 to {} bytes of printable ASCII",
        options.tracestate.size(),
        jobs::tracestate_bytes_max
    );
}

std::string problem_of_options(const JobOptions& options) {
    if (options.priority < 0 || options.priority > 9) {
        return fmt::format("priority is {}, it must be 0 (first) to 9", options.priority);
    }
    std::string problem = problem_of_text("group", options.group, group_bytes_max);
    if (problem.empty()) problem = problem_of_retry(options.retry);
    if (problem.empty()) problem = problem_of_duration("timeout", options.timeout);
    if (problem.empty()) problem = problem_of_duration("ttl", options.ttl);
    if (problem.empty()) problem = problem_of_time("deadline", options.deadline);
    if (problem.empty()) problem = problem_of_tags(options.tags);
    if (problem.empty() && options.dedup) problem = problem_of_dedup(*options.dedup);
    if (problem.empty()) problem = problem_of_runs(options);
    if (problem.empty()) problem = problem_of_trace(options);
    return problem;
}

/// When it would be due after it has to have begun.
std::string problem_of_due_time(const NewJob& job) {
    if (job.run_at && job.delay.count() != 0) {
        return fmt::format(
            "delay is {} and run_at is set, there must be one of them only",
            duration_text(job.delay)
        );
    }
    if (job.options.ttl.count() != 0 && job.delay >= job.options.ttl) {
        return fmt::format(
            "delay is {}, it must be below ttl, which is {}, or the job would never begin",
            duration_text(job.delay),
            duration_text(job.options.ttl)
        );
    }
    if (job.run_at && job.options.deadline && *job.run_at >= *job.options.deadline) {
        return "run_at is not before deadline, so the job would never begin";
    }
    return {};
}

}  // namespace

std::string problem_of(const NewJob& job) {
    if (!job.id.empty() && !parse_uuid(job.id)) {
        return fmt::format(
            "id is {}, it must be a UUID like 0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10",
            in_double_quotes(job.id)
        );
    }
    if (job.payload.size() > payload_bytes_max) {
        return fmt::format(
            "payload is {} bytes, limit is {}", job.payload.size(), payload_bytes_max
        );
    }
    std::string problem = problem_of_type(job.type);
    if (problem.empty()) problem = problem_of_duration("delay", job.delay);
    if (problem.empty()) problem = problem_of_time("run_at", job.run_at);
    if (problem.empty()) problem = problem_of_options(job.options);
    if (problem.empty()) problem = problem_of_due_time(job);
    return problem;
}

}  // namespace tranter
