#include "providers/broker_job_codec.hpp"

#include "base/digest.hpp"
#include "base/json_writer.hpp"
#include "broker/message_attributes.hpp"
#include "jobs/job_json.hpp"
#include "jobs/trace_context.hpp"

#include <tranter/job_type.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace tranter::providers {
namespace {

/// Sender of messages whose body was checked when they were enqueued. SQS clients, whose access key
/// stands here, cannot have a colon in theirs.
constexpr std::string_view job_sender = "tranter:jobs";
constexpr std::string_view unnamed_type = "message";

/// Jobs without any option of their own skip all work on options.
bool is_plain(const JobOptions& options) {
    static const JobOptions plain;
    if (options.priority != plain.priority || options.retry != plain.retry) return false;
    return options.timeout == plain.timeout && options.ttl == plain.ttl && !options.deadline &&
           options.tags.empty() && !options.dedup && options.runs == plain.runs &&
           options.max_parallel_runs == plain.max_parallel_runs && options.success == plain.success;
}

engine::Uniqueness uniqueness_of(DedupMode mode) {
    switch (mode) {
        case DedupMode::throttle:
            return engine::Uniqueness::throttle;
        case DedupMode::debounce:
            return engine::Uniqueness::debounce;
        case DedupMode::keep_latest:
            return engine::Uniqueness::keep_latest;
        case DedupMode::simple:
            break;
    }
    return engine::Uniqueness::simple;
}

std::string_view default_type(const broker::QueueSettings& settings) {
    const auto found = settings.attributes.find(std::string(default_type_attribute));
    return found == settings.attributes.end() ? unnamed_type : std::string_view(found->second);
}

std::string problem_of_type(std::string_view type) {
    if (is_valid_kind(type) && !type.starts_with("__")) return {};
    return "its type is not 1 to 128 letters, digits and _ - . : /, or begins with __";
}

}  // namespace

JobShape read_shape(
    const engine::Payload& payload, std::string_view group, const broker::QueueSettings& settings
) {
    JobShape shape;
    std::string_view options;
    std::string_view traceparent;
    std::string_view tracestate;
    std::optional<std::string_view> type;
    broker::EncodedAttributes attributes(payload.attributes());
    while (const auto attribute = attributes.next()) {
        if (attribute->name == jobs::type_attribute) type = attribute->value;
        if (attribute->name == jobs::options_attribute) options = attribute->value;
        if (attribute->name == jobs::traceparent_name) traceparent = attribute->value;
        if (attribute->name == jobs::tracestate_name) tracestate = attribute->value;
    }
    shape.type = type.value_or(default_type(settings));
    if (type && payload.sender() != job_sender) shape.problem = problem_of_type(*type);
    if (!options.empty()) {
        if (auto read = jobs::options_from_json(options)) {
            shape.options = std::move(*read);
        } else {
            shape.problem = "its tranter.options cannot be read: " + read.error().message();
        }
    }
    shape.options.group = group;
    jobs::take_trace(shape.options, traceparent, tracestate);
    if (shape.options.traceparent.empty() && !payload.system_attributes().empty()) {
        const auto trace = jobs::parse_xray(payload.system_attributes());
        if (trace) shape.options.traceparent = jobs::to_traceparent(*trace);
    }
    const std::uint32_t granted = settings.engine.max_receives;
    std::uint32_t& attempts = shape.options.retry.max_attempts;
    const bool says_nothing = attempts == RetryPolicy{}.max_attempts;
    if (says_nothing && granted > 0 && !settings.dead_letter_queue.empty()) attempts = granted;
    return shape;
}

std::string_view type_of(const engine::Payload& payload, const broker::QueueSettings& settings) {
    const auto type = broker::find_attribute(payload.attributes(), jobs::type_attribute);
    return type ? type->value : default_type(settings);
}

std::string_view options_text(const engine::Payload& payload) {
    const auto options = broker::find_attribute(payload.attributes(), jobs::options_attribute);
    return options ? options->value : std::string_view();
}

std::string read_payload(const engine::Payload& payload) {
    const std::string_view body = payload.body();
    if (payload.sender() == job_sender || is_json_value(body)) return std::string(body);
    std::string text;
    append_json_string(text, body);
    return text;
}

JobEncoder::JobEncoder(
    const broker::QueueSettings& settings, bool fifo, const EnqueueMoment& moment, std::size_t jobs
)
    : settings_(settings), fifo_(fifo), moment_(moment) {
    requests_.reserve(jobs);
}

void JobEncoder::add(const NewJob& job, const Uuid& id) {
    std::string deduplication_id;
    if (fifo_) deduplication_id = format_uuid(id);
    broker::Broker::SendRequest& request = requests_.emplace_back();
    request.payload = engine::Payload::make(
        {.body = job.payload,
         .attributes = attributes_of(job),
         .deduplication_id = deduplication_id,
         .sender = job_sender,
         .id = id,
         .body_md5 = md5(job.payload)}
    );
    if (job.run_at) {
        request.options.delay = std::max(moment_.at(*job.run_at) - moment_.now, Duration::zero());
    } else if (job.delay.count() > 0) {
        request.options.delay = job.delay;
    }
    request.options.group = job.options.group;
    request.options.traits = traits_of(job);
}

std::string_view JobEncoder::attributes_of(const NewJob& job) {
    const JobOptions& said = job.options;
    const bool plain = is_plain(said);
    const bool alone = plain && said.traceparent.empty();
    if (alone && alone_ && type_ == job.type) return attributes_;
    attributes_.clear();
    type_ = job.type;
    alone_ = alone;
    const std::string options = plain ? std::string() : jobs::options_to_json_without_trace(said);
    std::array<broker::StringAttribute, 4> all{};
    std::size_t count = 0;
    const auto add = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) all[count++] = {.name = name, .value = value};
    };
    // In byte order of their names.
    add(jobs::traceparent_name, said.traceparent);
    add(jobs::tracestate_name, said.tracestate);
    add(jobs::options_attribute, options);
    add(jobs::type_attribute, job.type);
    broker::encode_strings(std::span(all).first(count), attributes_);
    return attributes_;
}

const engine::Traits* JobEncoder::traits_of(const NewJob& job) {
    engine::Traits traits;
    const JobOptions& options = job.options;
    const bool default_attempts = options.retry.max_attempts == RetryPolicy{}.max_attempts;
    const bool queue_counts =
        settings_.engine.max_receives > 0 && !settings_.dead_letter_queue.empty();
    if (!default_attempts || !queue_counts) traits.max_receives = options.retry.max_attempts;
    traits.priority = static_cast<std::uint8_t>(options.priority);
    if (options.deadline) traits.deadline = moment_.at(*options.deadline);
    if (options.ttl.count() > 0) {
        const Instant end = moment_.now + options.ttl;
        traits.deadline = options.deadline ? std::min(traits.deadline, end) : end;
    }
    if (options.dedup) {
        traits.uniqueness = uniqueness_of(options.dedup->mode);
        traits.unique_key = options.dedup->key;
        traits.unique_for = options.dedup->ttl;
    }
    if (traits == engine::Traits{}) return nullptr;
    return &traits_.emplace_back(std::move(traits));
}

}  // namespace tranter::providers
