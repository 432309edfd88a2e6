#include "providers/sqs_message.hpp"

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "providers/sqs_limits.hpp"

#include <algorithm>
#include <utility>

namespace tranter::providers {

namespace {

constexpr std::string_view data_type = "DataType";
constexpr std::string_view text_type = "String";
constexpr std::string_view string_value = "StringValue";
constexpr std::string_view binary_value = "BinaryValue";
constexpr std::string_view trace_header_name = "AWSTraceHeader";

bool is_opaque_id(std::string_view text) {
    return !text.empty() && text.size() <= sqs_group_bytes_max &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::string_view SqsMessage::text(std::string_view name) const {
    const auto found = std::ranges::find(attributes, name, &aws::JsonMember::name);
    return found == attributes.end() ? std::string_view() : found->value[string_value].text();
}

void SqsMessage::set_text(std::string_view name, std::string value) {
    erase(name);
    aws::Json attribute;
    attribute.set(data_type, text_type).set(string_value, std::move(value));
    attributes.push_back({std::string(name), std::move(attribute)});
}

void SqsMessage::erase(std::string_view name) {
    std::erase_if(attributes, [&](const aws::JsonMember& member) { return member.name == name; });
}

bool SqsMessage::group_is_attribute(GroupIds group_ids) const {
    return !group.empty() && (group_ids != GroupIds::kept || !is_opaque_id(group));
}

bool SqsMessage::fits(GroupIds group_ids, std::size_t bytes_max) const {
    const std::size_t count = attributes.size() + (group_is_attribute(group_ids) ? 1 : 0);
    return count <= sqs_attributes_max && bytes(group_ids) <= bytes_max;
}

std::size_t SqsMessage::bytes(GroupIds group_ids) const {
    std::size_t bytes = body.size();
    if (group_is_attribute(group_ids)) {
        bytes += sqs_attribute::group.size() + text_type.size() + group.size();
    }
    for (const auto& [name, value] : attributes) {
        bytes += name.size() + value[data_type].text().size() + value[string_value].text().size() +
                 value[binary_value].text().size() / 4 * 3;
    }
    return bytes;
}

std::string sqs_opaque_id(std::string_view text) {
    return is_opaque_id(text) ? std::string(text) : to_hex(sha256(text));
}

std::string sqs_json(std::string_view json) {
    std::string out;
    for (std::size_t at = 0; at < json.size();) {
        const std::size_t next = std::min(json.find("\xef\xbf", at), json.size());
        out += json.substr(at, next - at);
        at = next;
        if (at == json.size()) break;
        const std::string_view character = json.substr(at, 3);
        if (character == "\xef\xbf\xbe") {
            out += "\\ufffe";
        } else if (character == "\xef\xbf\xbf") {
            out += "\\uffff";
        } else {
            out += character;
        }
        at += character.size();
    }
    return out;
}

aws::Json sqs_entry(const SqsMessage& message, GroupIds group_ids) {
    aws::Json entry;
    SqsMessage sent{.attributes = message.attributes};
    if (!message.group.empty() && group_ids != GroupIds::refused) {
        entry.set("MessageGroupId", sqs_opaque_id(message.group));
    }
    if (message.group_is_attribute(group_ids)) {
        sent.set_text(sqs_attribute::group, message.group);
    }
    entry.set("MessageBody", message.body);
    if (!sent.attributes.empty()) {
        entry.set("MessageAttributes", std::move(sent.attributes));
    }
    if (!message.trace_header.empty()) {
        aws::Json attribute;
        attribute.set(data_type, text_type).set(string_value, message.trace_header);
        aws::Json system;
        system.set(trace_header_name, std::move(attribute));
        entry.set("MessageSystemAttributes", std::move(system));
    }
    if (message.delay.count() > 0) entry.set("DelaySeconds", message.delay.count());
    if (!message.deduplication_id.empty()) {
        entry.set("MessageDeduplicationId", message.deduplication_id);
    }
    return entry;
}

SqsDelivery read_sqs_delivery(const aws::Json& message) {
    const aws::Json& system = message["Attributes"];
    SqsDelivery delivery{
        .message_id = std::string(message["MessageId"].text()),
        .handle = std::string(message["ReceiptHandle"].text()),
        .receive_count = static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(system["ApproximateReceiveCount"].number(), 1, 1'000'000)
        ),
        .sent_at = TimePoint(Milliseconds(system["SentTimestamp"].number())),
        .message =
            {.body = std::string(message["Body"].text()),
             .attributes = message["MessageAttributes"].members(),
             .group = std::string(system["MessageGroupId"].text()),
             .trace_header = std::string(system[trace_header_name].text())},
    };
    // The digest of it stood in its place.
    if (const auto group = delivery.message.text(sqs_attribute::group); !group.empty()) {
        delivery.message.group = group;
        delivery.message.erase(sqs_attribute::group);
    }
    return delivery;
}

}  // namespace tranter::providers
