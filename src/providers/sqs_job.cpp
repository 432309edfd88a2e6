#include "providers/sqs_job.hpp"

#include "base/duration.hpp"
#include "base/json_writer.hpp"
#include "base/unicode.hpp"
#include "base/uuid.hpp"
#include "jobs/job_json.hpp"
#include "jobs/json_cursor.hpp"
#include "jobs/trace_context.hpp"
#include "jobs/value_path.hpp"
#include "providers/sqs_limits.hpp"

#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace tranter::providers {

namespace {

constexpr std::size_t error_text_bytes_max = 4096;
constexpr std::size_t error_type_bytes_max = 256;

std::int64_t number_in(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string unsupported_text(std::string_view what, std::string_view instead) {
    return fmt::format("{}, which the sqs: store cannot keep: {}", what, instead);
}

/// What SQS has no place for.
std::optional<std::string> unsupported_option(const NewJob& job, const SqsJobRules& rules) {
    const JobOptions& options = job.options;
    if (options.priority != priority_default) {
        return unsupported_text(
            fmt::format("priority is {}", options.priority),
            fmt::format("use {}, or a queue for each priority", priority_default)
        );
    }
    if (options.dedup && (options.dedup->mode != DedupMode::simple || !rules.fifo)) {
        return unsupported_text(
            fmt::format("dedup.key is {}", in_quotes(options.dedup->key)),
            "SQS knows duplicates in FIFO queues only, for five minutes, and only mode simple"
        );
    }
    const std::uint32_t attempts = options.retry.max_attempts;
    const bool chosen = attempts != RetryPolicy().max_attempts;
    if (chosen && rules.max_receives != 0 && attempts > rules.max_receives) {
        return unsupported_text(
            fmt::format("retry.max_attempts is {}", attempts),
            fmt::format(
                "queue {} gives a message to its dead-letter queue after {} receives, so raise "
                "maxReceiveCount in its RedrivePolicy",
                rules.queue,
                rules.max_receives
            )
        );
    }
    return std::nullopt;
}

Result<std::chrono::seconds> delay_of(const NewJob& job, const SqsJobRules& rules, TimePoint now) {
    Milliseconds delay = job.delay;
    if (job.run_at) delay = std::chrono::ceil<Milliseconds>(*job.run_at - now);
    if (delay <= Milliseconds::zero()) return std::chrono::seconds(0);
    if (rules.fifo) {
        return fail(
            Errc::unsupported,
            unsupported_text(
                fmt::format("delay is {}", format_duration(delay)),
                "a FIFO queue of SQS delays all of its messages or none: set DelaySeconds of the "
                "queue, or name a store of schedules where the job can wait (schedule_store, "
                "--store)"
            )
        );
    }
    if (delay > sqs_delay_max) {
        return fail(
            Errc::unsupported,
            unsupported_text(
                fmt::format("delay is {}", format_duration(delay)),
                "SQS delays a message by 15m at most; later jobs wait in a store of schedules, "
                "when "
                "one is named (schedule_store, --store)"
            )
        );
    }
    return whole_seconds(delay);
}

/// FIFO queues want both ids with every message.
Result<> set_fifo_ids(const NewJob& job, const SqsJobRules& rules, SqsMessage& message) {
    if (!rules.fifo) return {};
    if (job.options.group.empty()) {
        return fail(
            Errc::invalid_argument,
            fmt::format("the job has no group, queue {} is FIFO and needs one", rules.queue)
        );
    }
    if (job.options.dedup) {
        message.deduplication_id = sqs_opaque_id(job.options.dedup->key);
    } else {
        message.deduplication_id = job.id.empty() ? format_uuid(make_uuid()) : job.id;
    }
    return {};
}

/// `"body"`
std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

void make_room(SqsMessage& message, std::size_t bytes_max) {
    constexpr auto unimportant = std::to_array<std::string_view>(
        {sqs_attribute::queue, sqs_attribute::created, sqs_attribute::error, sqs_attribute::id}
    );
    leave_out_trace(message, GroupIds::maybe_kept, bytes_max);
    for (const std::string_view name : unimportant) {
        if (!message.fits(GroupIds::maybe_kept, bytes_max)) message.erase(name);
    }
}

}  // namespace

bool is_json_text(std::string_view text) {
    jobs::JsonCursor cursor(text);
    return cursor.begin() && cursor.skip() && cursor.end();
}

void leave_out_trace(SqsMessage& message, GroupIds group_ids, std::size_t bytes_max) {
    for (const std::string_view name : {jobs::tracestate_name, jobs::traceparent_name}) {
        if (!message.fits(group_ids, bytes_max)) message.erase(name);
    }
}

Result<SqsMessage> message_of_job(const NewJob& job, const SqsJobRules& rules, TimePoint now) {
    if (!is_json_text(job.payload)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("payload is {}, expected JSON", in_quotes(job.payload))
        );
    }
    if (auto problem = unsupported_option(job, rules)) {
        return fail(Errc::unsupported, std::move(*problem));
    }
    const auto delay = delay_of(job, rules, now);
    if (!delay) return std::unexpected(delay.error());
    SqsMessage message{.body = sqs_json(job.payload), .group = job.options.group, .delay = *delay};
    if (auto set = set_fifo_ids(job, rules, message); !set) return std::unexpected(set.error());
    message.set_text(jobs::type_attribute, job.type);
    if (const auto trace = jobs::parse_traceparent(job.options.traceparent)) {
        message.set_text(jobs::traceparent_name, job.options.traceparent);
        const std::string& state = job.options.tracestate;
        if (!state.empty()) message.set_text(jobs::tracestate_name, state);
        message.trace_header = jobs::to_xray(*trace);
    }
    const std::string options = jobs::options_to_json_without_trace(job.options);
    if (!options.empty()) message.set_text(jobs::options_attribute, sqs_json(options));
    if (!job.id.empty()) message.set_text(sqs_attribute::id, job.id);
    if (delay->count() > 0) message.set_text(sqs_attribute::delay, fmt::to_string(delay->count()));
    leave_out_trace(message, rules.group_ids, rules.message_bytes_max);
    return message;
}

Result<ReceivedJob> job_of_delivery(const SqsDelivery& delivery, const SqsJobRules& rules) {
    const SqsMessage& message = delivery.message;
    const auto or_else = [](std::string_view text, std::string_view otherwise) {
        return std::string(text.empty() ? otherwise : text);
    };
    ReceivedJob job{
        .id = or_else(message.text(sqs_attribute::id), delivery.message_id),
        .queue = std::string(rules.queue),
        .type = or_else(message.text(jobs::type_attribute), rules.default_type),
        .payload = is_json_text(message.body) ? message.body : json_string(message.body),
        .created_at = delivery.sent_at,
    };
    if (const auto created = message.text(sqs_attribute::created); !created.empty()) {
        job.created_at = TimePoint(Milliseconds(number_in(created)));
    } else if (delivery.receive_count == 1) {
        // When it became visible for a later delivery only SQS knows.
        const std::int64_t seconds = number_in(message.text(sqs_attribute::delay));
        job.due_at =
            delivery.sent_at +
            std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, sqs_delay_max.count()));
    }
    if (!is_valid_kind(job.type) || job.type.starts_with("__")) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "{} is {}, expected 1 to {} letters, digits and _ - . : /, and not __ in front",
                jobs::type_attribute,
                in_quotes(job.type),
                kind_bytes_max
            )
        );
    }
    auto options = jobs::options_from_json(message.text(jobs::options_attribute));
    if (!options) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{}: {}", jobs::options_attribute, options.error().message())
        );
    }
    const NewJob with_options{.type = "message", .options = *options};
    if (const std::string problem = problem_of(with_options); !problem.empty()) {
        return fail(
            Errc::invalid_argument, fmt::format("{}: {}", jobs::options_attribute, problem)
        );
    }
    job.options = std::move(*options);
    job.options.group = message.group;
    jobs::take_trace(
        job.options, message.text(jobs::traceparent_name), message.text(jobs::tracestate_name)
    );
    if (const auto trace = jobs::parse_xray(message.trace_header);
        trace && job.options.traceparent.empty()) {
        job.options.traceparent = jobs::to_traceparent(*trace);
    }
    std::uint32_t& attempts = job.options.retry.max_attempts;
    const bool says_nothing = attempts == RetryPolicy().max_attempts;
    if (says_nothing && rules.max_receives != 0) attempts = rules.max_receives;
    return job;
}

std::uint32_t attempts_before(const SqsMessage& message) {
    const std::int64_t attempts = number_in(message.text(sqs_attribute::attempts));
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(attempts, 0, 1'000'000));
}

bool is_expired(const ReceivedJob& job, TimePoint now) {
    if (job.attempt > 1) return false;
    const JobOptions& options = job.options;
    if (options.deadline && *options.deadline <= now) return true;
    return options.ttl.count() != 0 && job.created_at + options.ttl <= now;
}

SqsMessage copy_of(const SqsDelivery& delivery, const ReceivedJob& job) {
    SqsMessage copy = delivery.message;
    copy.set_text(sqs_attribute::id, job.id);
    const auto created = std::chrono::floor<Milliseconds>(job.created_at.time_since_epoch());
    copy.set_text(sqs_attribute::created, fmt::to_string(created.count()));
    copy.erase(sqs_attribute::attempts);
    copy.erase(sqs_attribute::delay);
    return copy;
}

SqsMessage dead_copy_of(
    const SqsDelivery& delivery,
    const ReceivedJob& job,
    const AttemptFailure& failure,
    std::size_t bytes_max
) {
    SqsMessage copy = copy_of(delivery, job);
    std::string reason;
    JsonWriter(reason)
        .begin_object()
        .member("attempt", failure.attempt)
        .member("type", jobs::shortened(failure.type, error_type_bytes_max))
        .member("text", jobs::shortened(failure.text, error_text_bytes_max))
        .end_object();
    copy.set_text(sqs_attribute::error, sqs_json(reason));
    copy.set_text(sqs_attribute::queue, job.queue);
    make_room(copy, bytes_max);
    return copy;
}

}  // namespace tranter::providers
