#include "jobs/job_json.hpp"

#include "base/duration.hpp"
#include "base/encoding.hpp"
#include "base/log_text.hpp"
#include "jobs/options_writer.hpp"
#include "jobs/strict_json.hpp"
#include "jobs/time_text.hpp"
#include "jobs/trace_context.hpp"

namespace tranter::jobs {

std::string_view mode_name(DedupMode mode) {
    switch (mode) {
        case DedupMode::throttle:
            return "throttle";
        case DedupMode::debounce:
            return "debounce";
        case DedupMode::keep_latest:
            return "keep_latest";
        case DedupMode::simple:
            break;
    }
    return "simple";
}

namespace {

void write_retry(JsonWriter& json, const RetryPolicy& retry, Defaults defaults) {
    const RetryPolicy fresh;
    const bool all = defaults == Defaults::write;
    if (!all && retry == fresh) return;
    json.key("retry").begin_object();
    if (all || retry.max_attempts != fresh.max_attempts) {
        json.member("max_attempts", retry.max_attempts);
    }
    if (all || retry.base != fresh.base) write_member(json, "base", retry.base);
    if (all || retry.factor != fresh.factor) json.member("factor", retry.factor);
    if (all || retry.max != fresh.max) write_member(json, "max", retry.max);
    if (all || retry.jitter != fresh.jitter) json.member("jitter", retry.jitter);
    json.end_object();
}

}  // namespace

std::string as_utf8(std::string_view text) {
    return is_valid_utf8(text) ? std::string(text) : one_line(text);
}

void write_member(JsonWriter& json, std::string_view name, Milliseconds duration) {
    json.member(name, format_duration(duration));
}

void write_member(JsonWriter& json, std::string_view name, TimePoint when) {
    json.key(name);
    const auto text =
        time_text(when.time_since_epoch().count(), detail::time_unit<TimePoint::duration>);
    if (text) {
        json.value(*text);
    } else {
        json.null();
    }
}

void write_options(JsonWriter& json, const JobOptions& options, Defaults defaults) {
    const bool all = defaults == Defaults::write;
    if (all || options.priority != priority_default) json.member("priority", options.priority);
    write_retry(json, options.retry, defaults);
    if (options.timeout.count() != 0) write_member(json, "timeout", options.timeout);
    if (options.ttl.count() != 0) write_member(json, "ttl", options.ttl);
    if (options.deadline) write_member(json, "deadline", *options.deadline);
    if (all || !options.tags.empty()) {
        json.key("tags").begin_array();
        for (const std::string& tag : options.tags)
            json.value(tag);
        json.end_array();
    }
    if (options.dedup) {
        json.key("dedup").begin_object().member("key", options.dedup->key);
        json.member("mode", mode_name(options.dedup->mode));
        if (options.dedup->ttl.count() != 0) write_member(json, "ttl", options.dedup->ttl);
        json.end_object();
    }
    if (all || options.runs != 1) json.member("runs", options.runs);
    if (options.max_parallel_runs != 0) {
        json.member("max_parallel_runs", options.max_parallel_runs);
    }
    if (options.success != SuccessPolicy()) json.member("success", options.success.to_text());
    if (!options.traceparent.empty()) json.member(traceparent_name, options.traceparent);
    if (!options.tracestate.empty()) json.member(tracestate_name, options.tracestate);
}

std::string options_to_json(const JobOptions& options) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    write_options(json, options, Defaults::leave_out);
    json.end_object();
    if (out == "{}") out.clear();
    return out;
}

std::string options_to_json_without_trace(const JobOptions& options) {
    if (options.traceparent.empty() && options.tracestate.empty()) return options_to_json(options);
    JobOptions others = options;
    others.traceparent.clear();
    others.tracestate.clear();
    return options_to_json(others);
}

Result<JobOptions> options_from_json(std::string_view text) {
    if (text.empty()) return JobOptions{};
    auto options = from_json_strictly<JobOptions>(text);
    if (options && !options->group.empty()) {
        return fail(Errc::invalid_argument, "$.group: the group of a job is not among its options");
    }
    return options;
}

}  // namespace tranter::jobs
