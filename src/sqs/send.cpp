#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "base/uuid.hpp"
#include "sqs/batch.hpp"
#include "sqs/call.hpp"
#include "sqs/message_attributes.hpp"
#include "sqs/sequence_number.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace tranter::sqs {

namespace {

constexpr std::string_view trace_header = "AWSTraceHeader";
constexpr std::size_t trace_bytes_max = 65'535;  // what a payload has room for
constexpr std::size_t batch_bytes_max = 1'048'576;
constexpr std::int64_t delay_seconds_max = 900;
constexpr BatchKind send_batch{
    {"Entries", "SendMessageBatchRequestEntry"}, {"Successful", "SendMessageBatchResultEntry"}};

/// What one SendMessage, or one entry of a batch, carries; unchecked.
struct SendInput {
    std::string_view id{};  // of a batch entry
    std::string_view body{};
    std::optional<Integer> delay{};
    std::optional<std::string_view> group{};
    std::optional<std::string_view> deduplication_id{};
    std::vector<AttributeInput> attributes{};
    std::vector<AttributeInput> system_attributes{};
};

SendInput read_send(Input& input) {
    return {
        .body = input.text("MessageBody").value_or(std::string_view()),
        .delay = input.integer("DelaySeconds"),
        .group = input.text("MessageGroupId"),
        .deduplication_id = input.text("MessageDeduplicationId"),
        .attributes = input.attributes({"MessageAttributes", "MessageAttribute"}),
        .system_attributes =
            input.attributes({"MessageSystemAttributes", "MessageSystemAttribute"}),
    };
}

/// Where messages go and by which rules.
struct Target {
    broker::QueueHandle queue;
    broker::SettingsSnapshot settings;
    bool fifo = false;
    bool batch = false;
};

/// A message ready to be sent.
struct Prepared {
    engine::Payload payload;
    engine::SendOptions options{};
    bool has_attributes = false;
    Md5Digest attributes_md5{};
    std::optional<Md5Digest> system_attributes_md5{};
};

Outcome<std::optional<Duration>> check_delay(const Target& target, const SendInput& input) {
    if (!input.delay) return std::optional<Duration>();
    const Integer& delay = *input.delay;
    if (!delay.valid || delay.value < 0 || delay.value > delay_seconds_max) {
        return Failed(
            invalid_value(delay.shown(), "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
        );
    }
    if (!target.fifo) return std::optional<Duration>(std::chrono::seconds(delay.value));
    if (delay.value != 0) {
        return Failed(invalid_value(
            delay.shown(),
            "DelaySeconds",
            "The request include parameter that is not valid for this queue type."
        ));
    }
    return std::optional<Duration>();
}

Outcome<> check_id_syntax(std::optional<std::string_view> id, std::string_view parameter) {
    if (!id || is_opaque_id(*id)) return {};
    return Failed(invalid_value(
        *id,
        parameter,
        fmt::format(
            "{} can only include alphanumeric and punctuation characters. 1 to 128 in length.",
            parameter
        )
    ));
}

/// What a FIFO queue needs of every message; in a batch its absence fails the whole request.
Outcome<> check_fifo_ids(const Target& target, const SendInput& input) {
    if (!target.fifo) return {};
    if (input.group.value_or(std::string_view()).empty()) {
        Failure absent = missing("MessageGroupId");
        if (target.batch) absent.code = Code::invalid_parameter_value;
        return Failed(std::move(absent));
    }
    if (!input.deduplication_id && !target.settings->content_based_deduplication) {
        return failed(
            Code::invalid_parameter_value,
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        );
    }
    return {};
}

Outcome<> check_ids(const Target& target, const SendInput& input) {
    if (!target.fifo && input.deduplication_id) {
        return Failed(invalid_value(
            *input.deduplication_id,
            "MessageDeduplicationId",
            "The request includes a parameter that is not valid for this queue type."
        ));
    }
    if (Outcome<> good = check_fifo_ids(target, input); !good) return good;
    if (Outcome<> good = check_id_syntax(input.group, "MessageGroupId"); !good) return good;
    return check_id_syntax(input.deduplication_id, "MessageDeduplicationId");
}

/// The value of AWSTraceHeader, or nothing when the request has none.
Outcome<std::optional<std::string_view>> check_system_attributes(const SendInput& input) {
    std::optional<std::string_view> trace;
    for (const AttributeInput& attribute : input.system_attributes) {
        if (attribute.name != trace_header) {
            return failed(
                Code::invalid_parameter_value,
                fmt::format(
                    "Message system attribute name '{}' is invalid.", shortened(attribute.name)
                )
            );
        }
        const std::string_view value = attribute.string_value.value_or(std::string_view());
        if (attribute.type != "String" || value.empty() || !is_message_text(value) ||
            value.size() > trace_bytes_max) {
            return failed(
                Code::invalid_parameter_value,
                "Message system attribute 'AWSTraceHeader' must contain a non-empty value of type "
                "'String'."
            );
        }
        trace = value;
    }
    return trace;
}

Outcome<> check_size(const Target& target, std::size_t bytes) {
    if (bytes <= target.settings->max_message_bytes) return {};
    return failed(
        Code::invalid_parameter_value,
        fmt::format(
            "One or more parameters {}. Reason: Message must be shorter than {} bytes.",
            target.batch ? "cannot be validated" : "are invalid",
            target.settings->max_message_bytes
        )
    );
}

Outcome<Prepared> prepare(const Call& call, const Target& target, SendInput& input) {
    const bool strict = call.options.limits == Limits::strict;
    if (input.body.empty()) return Failed(missing("MessageBody"));
    if (strict && !is_message_text(input.body)) return Failed(invalid_characters());
    const auto delay = check_delay(target, input);
    if (!delay) return Failed(delay.error());
    if (Outcome<> good = check_ids(target, input); !good) return Failed(good.error());
    const auto trace = check_system_attributes(input);
    if (!trace) return Failed(trace.error());
    const auto attributes =
        CheckedAttributes::check(std::move(input.attributes), call.options.limits);
    if (!attributes) return Failed(attributes.error());
    if (strict) {
        Outcome<> good = check_size(target, input.body.size() + attributes->bytes());
        if (!good) return Failed(good.error());
    }

    std::string derived_id;
    std::string_view deduplication_id = input.deduplication_id.value_or(std::string_view());
    if (target.fifo && !input.deduplication_id) {
        append_hex(derived_id, sha256(input.body));
        deduplication_id = derived_id;
    }
    Prepared prepared;
    prepared.payload = engine::Payload::make({
        .body = input.body,
        .attributes = attributes->encoded(),
        .system_attributes = trace->value_or(call.trace_id),
        .deduplication_id = deduplication_id,
        .sender = call.sender,
        .id = make_uuid(),
        .body_md5 = md5(input.body),
    });
    prepared.options = {.delay = *delay, .group = input.group.value_or(std::string_view())};
    prepared.has_attributes = !attributes->empty();
    prepared.attributes_md5 = attributes->md5();
    if (*trace) {
        const MessageAttribute attribute{trace_header, "String", **trace, false};
        prepared.system_attributes_md5 = attributes_md5({&attribute, 1});
    }
    return prepared;
}

/// Honours copy_to and move_to, which are ElasticMQ's: one step only, so they cannot go in circles.
Outcome<engine::Sent> store(Call& call, const Target& target, const Prepared& prepared) {
    const broker::QueueSettings& settings = *target.settings;
    broker::QueueHandle queue = target.queue;
    if (!settings.move_to.empty()) {
        queue = call.broker.find_queue(settings.move_to);
        if (!queue) return Failed(no_such_queue());
    }
    auto result = call.broker.send(queue, {prepared.payload, prepared.options});
    if (!result.sent) return Failed(from_error(result.sent.error()));
    call.wait_for(result.position);

    if (!settings.copy_to.empty() && !result.sent->duplicate) {
        if (const broker::QueueHandle other = call.broker.find_queue(settings.copy_to)) {
            const auto copied = call.broker.send(
                other,
                {prepared.payload.with_identity(make_uuid(), prepared.payload.deduplication_id()),
                 prepared.options}
            );
            call.wait_for(copied.position);
        }
    }
    return *result.sent;
}

void write_sent(
    Output& output, const Target& target, const Prepared& prepared, const engine::Sent& sent
) {
    const auto hex = [](const auto& digest) {
        return [&digest](std::string& out) {
            append_hex(out, digest);
        };
    };
    output.token("MessageId", [&](std::string& out) { append_uuid(out, sent.id); });
    output.token("MD5OfMessageBody", hex(prepared.payload.body_md5()));
    if (prepared.has_attributes) {
        output.token("MD5OfMessageAttributes", hex(prepared.attributes_md5));
    }
    if (prepared.system_attributes_md5) {
        output.token("MD5OfMessageSystemAttributes", hex(*prepared.system_attributes_md5));
    }
    if (target.fifo) {
        output.token("SequenceNumber", [&](std::string& out) {
            append_sequence_number(out, sent.sequence);
        });
    }
}

Outcome<Target> find_target(Call& call, bool batch) {
    Outcome<broker::QueueHandle> queue = call.queue();
    if (!queue) return Failed(queue.error());
    Target target{std::move(*queue), nullptr, false, batch};
    target.settings = target.queue->settings();
    target.fifo = target.queue->fifo();
    return target;
}

std::size_t counted_bytes(const SendInput& input) {
    std::size_t bytes = input.body.size();
    for (const AttributeInput& attribute : input.attributes) {
        bytes += attribute.name.size() + attribute.type.value_or("").size();
        bytes += attribute.string_value.value_or("").size();
        const std::string_view base64 = attribute.binary_value.value_or("");
        bytes += base64.size() / 4 * 3;
        if (base64.ends_with("==")) {
            bytes -= 2;
        } else if (base64.ends_with('=')) {
            bytes -= 1;
        }
    }
    return bytes;
}

/// What fails a whole batch of sends. `count`: see check_batch().
Outcome<> check_entries(
    const Call& call, const Target& target, const std::vector<SendInput>& entries, std::size_t count
) {
    std::vector<std::string_view> ids;
    std::size_t bytes = 0;
    for (const SendInput& entry : entries) {
        ids.push_back(entry.id);
        bytes += counted_bytes(entry);
    }
    if (Outcome<> good = check_batch(ids, count, send_batch, call.options.limits); !good) {
        return good;
    }
    if (call.options.limits == Limits::strict && bytes > batch_bytes_max) {
        return failed(
            Code::batch_request_too_long,
            fmt::format(
                "Batch requests cannot be longer than {} bytes. You have sent {} bytes.",
                batch_bytes_max,
                bytes
            )
        );
    }
    for (const SendInput& entry : entries) {
        if (Outcome<> good = check_fifo_ids(target, entry); !good) return good;
    }
    return {};
}

}  // namespace

Outcome<> send_message(Call& call) {
    const Outcome<Target> target = find_target(call, false);
    if (!target) return Failed(target.error());
    SendInput input = read_send(call.input);
    if (Outcome<> good = call.check_input(); !good) return good;

    const Outcome<Prepared> prepared = prepare(call, *target, input);
    if (!prepared) return Failed(prepared.error());
    const Outcome<engine::Sent> sent = store(call, *target, *prepared);
    if (!sent) return Failed(sent.error());
    call.output.reserve(320);
    write_sent(call.output, *target, *prepared, *sent);
    return {};
}

Outcome<> send_message_batch(Call& call) {
    const Outcome<Target> target = find_target(call, true);
    if (!target) return Failed(target.error());
    std::vector<SendInput> entries;
    entries.reserve(10);
    const std::size_t most = batch_entries_max(call.options.limits);
    const std::size_t count = call.input.entries(send_batch.entries, most, [&](Input& input) {
        entries.push_back(read_send(input));
        entries.back().id = input.text("Id").value_or(std::string_view());
    });
    if (Outcome<> good = call.check_input(); !good) return good;
    if (Outcome<> good = check_entries(call, *target, entries, count); !good) return good;

    call.output.reserve(64 + entries.size() * 240);
    BatchAnswer answer(call.output, send_batch);
    for (SendInput& entry : entries) {
        const Outcome<Prepared> prepared = prepare(call, *target, entry);
        if (!prepared) {
            answer.failure(entry.id, prepared.error());
            continue;
        }
        const Outcome<engine::Sent> sent = store(call, *target, *prepared);
        if (!sent) {
            answer.failure(entry.id, sent.error());
            continue;
        }
        answer.begin_success(entry.id);
        write_sent(call.output, *target, *prepared, *sent);
        answer.end_success();
    }
    answer.finish();
    return {};
}

}  // namespace tranter::sqs
