#include "cli/message_record.hpp"

#include "aws/sqs_client.hpp"
#include "base/unicode.hpp"
#include "cli/args.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace tranter::cli {

namespace {

void copy_text(Json& record, std::string_view name, const Json& value) {
    if (!value.is_null()) record.set(name, value);
}

bool is_attribute_type(std::string_view text) {
    for (const std::string_view type : {"String", "Number", "Binary"}) {
        if (text == type) return true;
        if (text.starts_with(type) && text.substr(type.size()).starts_with('.')) return true;
    }
    return false;
}

}  // namespace

std::string format_utc_millis(std::int64_t millis) {
    const auto seconds = static_cast<std::time_t>(millis / 1000);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), millis % 1000);
}

Json message_record(const Json& message) {
    const Json& system = message["Attributes"];
    Json record;
    record.set("message_id", message["MessageId"]).set("body", message["Body"]);
    if (const Json& count = system["ApproximateReceiveCount"]; !count.is_null()) {
        record.set("receive_count", count.number());
    }
    if (const Json& sent = system["SentTimestamp"]; !sent.is_null()) {
        record.set("sent_at", format_utc_millis(sent.number()));
    }
    copy_text(record, "group", system["MessageGroupId"]);
    copy_text(record, "dedup_id", system["MessageDeduplicationId"]);
    copy_text(record, "sequence_number", system["SequenceNumber"]);
    if (const auto source = aws::parse_queue_arn(system["DeadLetterQueueSourceArn"].text())) {
        record.set("dead_letter_source", source->name);
    }
    Json attributes;
    for (const JsonMember& attribute : message["MessageAttributes"].members()) {
        const Json& text = attribute.value["StringValue"];
        Json typed;
        typed.set("type", attribute.value["DataType"])
            .set("value", text.is_null() ? attribute.value["BinaryValue"] : text);
        attributes.set(attribute.name, std::move(typed));
    }
    copy_text(record, "attributes", attributes);
    copy_text(record, "receipt_handle", message["ReceiptHandle"]);
    return record;
}

std::vector<Column> message_columns() {
    return {
        {"message_id", "MESSAGE ID"},
        {"sent_at", "SENT"},
        {"receive_count", "RECEIVES"},
        {"group", "GROUP"},
        {"body", "BODY"},
    };
}

Result<JsonMember> parse_message_attribute(std::string_view text) {
    auto parts = split_assignment(text, "--attribute");
    if (!parts) return std::unexpected(parts.error());
    auto& [name, value] = *parts;
    if (!is_valid_utf8(text)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("--attribute {} is not valid UTF-8", in_quotes(text))
        );
    }
    std::string type = "String";
    // Only what is a type counts as one, so that values like http://host:80 need no care.
    const std::size_t colon = value.rfind(':');
    if (colon != std::string::npos &&
        is_attribute_type(std::string_view(value).substr(colon + 1))) {
        type = value.substr(colon + 1);
        value.resize(colon);
    }
    Json encoded;
    encoded.set("DataType", type)
        .set(type.starts_with("Binary") ? "BinaryValue" : "StringValue", value);
    return JsonMember{std::move(name), std::move(encoded)};
}

}  // namespace tranter::cli
