#include "sqs/delivery_output.hpp"

#include "base/encoding.hpp"
#include "base/uuid.hpp"
#include "sqs/message_attributes.hpp"
#include "sqs/names.hpp"
#include "sqs/sequence_number.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <vector>

namespace tranter::sqs {

namespace {

/// SenderId of clients that did not say who they are.
constexpr std::string_view anonymous_sender = "AIDAIT2UOQQY3AUEKVGXU";

constexpr OutputList message_list{"Messages", "Message"};
constexpr OutputMap system_map{"Attributes", "Attribute"};
constexpr OutputMap user_map{"MessageAttributes", "MessageAttribute"};

class DeliveryWriter {
  public:
    DeliveryWriter(Output& output, const DeliveryContext& context)
        : output_(output), context_(context), fifo_(context.queue.fifo()) {}

    void write(const engine::Delivery& delivery) {
        const engine::Payload& payload = delivery.payload;
        output_.begin_object(message_list);
        output_.token("MessageId", [&](std::string& out) { append_uuid(out, payload.id()); });
        output_.token("ReceiptHandle", [&](std::string& out) {
            context_.broker.receipts().append(out, context_.queue.id(), delivery.receipt);
        });
        output_.token("MD5OfBody", [&](std::string& out) { append_hex(out, payload.body_md5()); });
        output_.text("Body", payload.body());
        if (!context_.view.system.empty()) write_system_attributes(delivery);
        if (!context_.view.user.none() && !payload.attributes().empty())
            write_user_attributes(payload);
        output_.end_object(message_list);
    }

  private:
    bool wanted(SystemAttribute attribute) const {
        return context_.view.system.contains(attribute);
    }

    void entry(SystemAttribute attribute, std::string_view value) {
        output_.entry(system_map, system_attribute_name(attribute), value);
    }
    void entry(SystemAttribute attribute, std::uint64_t value) {
        number_.clear();
        fmt::format_to(std::back_inserter(number_), "{}", value);
        entry(attribute, std::string_view(number_));
    }

    void write_system_attributes(const engine::Delivery& delivery) {
        using enum SystemAttribute;
        const engine::Payload& payload = delivery.payload;
        // Standard queues keep no de-duplication id and answer no sequence number; a message may
        // have nothing of what was asked for.
        const bool any = wanted(approximate_first_receive_timestamp) ||
                         wanted(approximate_receive_count) || wanted(sender_id) ||
                         wanted(sent_timestamp) || has_optional(delivery);
        if (!any) return;
        output_.begin_map(system_map);
        if (wanted(aws_trace_header) && !payload.system_attributes().empty()) {
            entry(aws_trace_header, payload.system_attributes());
        }
        if (wanted(approximate_first_receive_timestamp)) {
            entry(approximate_first_receive_timestamp, millis(delivery.first_received_at));
        }
        if (wanted(approximate_receive_count)) {
            entry(approximate_receive_count, delivery.receive_count);
        }
        if (const std::string source = source_arn(delivery); !source.empty()) {
            entry(dead_letter_queue_source_arn, std::string_view(source));
        }
        if (wanted(message_deduplication_id) && !payload.deduplication_id().empty()) {
            entry(message_deduplication_id, payload.deduplication_id());
        }
        if (wanted(message_group_id) && !delivery.group.empty()) {
            entry(message_group_id, std::string_view(delivery.group));
        }
        if (wanted(sender_id)) {
            entry(sender_id, payload.sender().empty() ? anonymous_sender : payload.sender());
        }
        if (wanted(sent_timestamp)) entry(sent_timestamp, millis(delivery.sent_at));
        if (wanted(sequence_number) && fifo_) {
            number_.clear();
            append_sequence_number(number_, delivery.receipt.sequence);
            entry(sequence_number, std::string_view(number_));
        }
        output_.end_map(system_map);
    }

    bool has_optional(const engine::Delivery& delivery) const {
        using enum SystemAttribute;
        const engine::Payload& payload = delivery.payload;
        return (wanted(aws_trace_header) && !payload.system_attributes().empty()) ||
               (wanted(message_deduplication_id) && !payload.deduplication_id().empty()) ||
               (wanted(message_group_id) && !delivery.group.empty()) ||
               (wanted(sequence_number) && fifo_) || !source_arn(delivery).empty();
    }

    std::string source_arn(const engine::Delivery& delivery) const {
        if (!wanted(SystemAttribute::dead_letter_queue_source_arn)) return {};
        if (delivery.source_queue == 0) return {};
        const broker::QueueHandle source = context_.broker.find_queue(delivery.source_queue);
        return source ? queue_arn(context_.options, source->name()) : std::string();
    }

    static std::uint64_t millis(Instant when) {
        return static_cast<std::uint64_t>(unix_millis(when));
    }

    void write_user_attributes(const engine::Payload& payload) {
        EncodedAttributes encoded(payload.attributes());
        std::vector<MessageAttribute> selected;
        selected.reserve(encoded.count());
        while (const auto attribute = encoded.next()) {
            if (context_.view.user.matches(attribute->name)) selected.push_back(*attribute);
        }
        if (selected.empty()) return;
        // SDKs compare the digest with what they got, which may be fewer than were sent.
        Md5Digest partial{};
        std::span<const std::uint8_t> digest = encoded.md5();
        if (selected.size() != encoded.count()) {
            partial = attributes_md5(selected);
            digest = partial;
        }
        output_.token("MD5OfMessageAttributes", [&](std::string& out) { append_hex(out, digest); });
        output_.begin_map(user_map);
        for (const MessageAttribute& attribute : selected) {
            output_.begin_entry(user_map, attribute.name);
            if (attribute.binary) {
                output_.token("BinaryValue", [&](std::string& out) {
                    append_base64(out, attribute.value);
                });
            } else {
                output_.text("StringValue", attribute.value);
            }
            output_.text("DataType", attribute.type);
            output_.end_entry(user_map);
        }
        output_.end_map(user_map);
    }

    Output& output_;
    const DeliveryContext& context_;
    bool fifo_;
    std::string number_;  // scratch
};

}  // namespace

void write_deliveries(
    Output& output, const DeliveryContext& context, std::span<const engine::Delivery> deliveries
) {
    if (deliveries.empty()) return;
    std::size_t bytes = 0;
    for (const engine::Delivery& delivery : deliveries)
        bytes += 640 + delivery.payload.size();
    output.reserve(bytes);

    DeliveryWriter writer(output, context);
    output.begin_list(message_list);
    for (const engine::Delivery& delivery : deliveries)
        writer.write(delivery);
    output.end_list(message_list);
}

}  // namespace tranter::sqs
