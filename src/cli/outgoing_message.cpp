#include "cli/outgoing_message.hpp"

#include "base/suggest.hpp"
#include "base/unicode.hpp"
#include "cli/message_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tranter::cli {

namespace {

constexpr auto readable_members =
    std::to_array<std::string_view>({"body", "attributes", "group", "dedup_id", "delay"});
constexpr auto ignored_members = std::to_array<std::string_view>({
    "message_id",
    "receive_count",
    "sent_at",
    "sequence_number",
    "dead_letter_source",
    "receipt_handle",
    "state",
    "due_at",
});

bool contains(const auto& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

Result<Json> read_attributes(const Json& given) {
    if (!given.is_object()) {
        return fail(Errc::invalid_argument, "\"attributes\" is not an object");
    }
    Json attributes;
    for (const JsonMember& member : given.members()) {
        const bool typed = member.value.is_object();
        const Json& value = typed ? member.value["value"] : member.value;
        const std::string_view type = typed ? member.value["type"].text() : "String";
        if (!value.is_text() || type.empty()) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "attribute {} is {}, expected a text or an object with type and value",
                    in_quotes(member.name),
                    printable(member.value.dump(), 60)
                )
            );
        }
        Json encoded;
        encoded.set("DataType", type)
            .set(type.starts_with("Binary") ? "BinaryValue" : "StringValue", value);
        attributes.set(member.name, std::move(encoded));
    }
    return attributes;
}

Result<> read_text(const Json& line, std::string_view name, std::optional<std::string>& into) {
    const Json& value = line[name];
    if (value.is_null()) return {};
    if (!value.is_text()) {
        return fail(
            Errc::invalid_argument,
            fmt::format("\"{}\" is {}, expected a text", name, printable(value.dump(), 60))
        );
    }
    into = value.text();
    return {};
}

}  // namespace

Result<SendOptions> read_send_options(const Arguments& arguments) {
    SendOptions options{.group = arguments.find("group"), .dedup_id = arguments.find("dedup-id")};
    for (const std::string& text : arguments.list("attribute")) {
        auto attribute = parse_message_attribute(text);
        if (!attribute) return std::unexpected(attribute.error());
        if (!options.attributes[attribute->name].is_null()) {
            return fail(
                Errc::invalid_argument,
                fmt::format("--attribute {} is given twice, once is right", attribute->name)
            );
        }
        options.attributes.set(attribute->name, std::move(attribute->value));
    }
    const auto delay = arguments.seconds("delay");
    if (!delay) return std::unexpected(delay.error());
    options.delay_seconds = *delay;
    return options;
}

Result<Json> outgoing_message(const SendOptions& options, std::string_view body) {
    if (body.empty()) {
        return fail(Errc::invalid_argument, "the body is empty, expected at least one character");
    }
    if (!is_valid_utf8(body)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("the body {} is not valid UTF-8, expected text", in_quotes(body))
        );
    }
    Json message;
    message.set("MessageBody", body);
    if (options.delay_seconds) message.set("DelaySeconds", *options.delay_seconds);
    if (!options.attributes.is_null()) message.set("MessageAttributes", options.attributes);
    if (options.group) message.set("MessageGroupId", *options.group);
    if (options.dedup_id) message.set("MessageDeduplicationId", *options.dedup_id);
    return message;
}

Result<Json> outgoing_message_of_line(const SendOptions& options, std::string_view line) {
    const auto given = Json::parse(line);
    if (!given || !given->is_object()) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{} is not a JSON object, expected {{\"body\": \"...\"}}", in_quotes(line))
        );
    }
    for (const JsonMember& member : given->members()) {
        if (contains(readable_members, member.name)) continue;
        if (contains(ignored_members, member.name)) continue;
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "unknown member {}{}",
                in_quotes(member.name),
                did_you_mean(member.name, readable_members)
            )
        );
    }
    SendOptions own = options;
    std::optional<std::string> body;
    std::optional<std::string> delay;
    for (const auto& [name, into] : {
             std::pair("body", &body),
             std::pair("group", &own.group),
             std::pair("dedup_id", &own.dedup_id),
             std::pair("delay", &delay),
         }) {
        if (auto read = read_text(*given, name, *into); !read) {
            return std::unexpected(read.error());
        }
    }
    if (delay) {
        const auto seconds = parse_seconds(*delay, "\"delay\"");
        if (!seconds) return std::unexpected(seconds.error());
        own.delay_seconds = *seconds;
    }
    if (const Json& attributes = (*given)["attributes"]; !attributes.is_null()) {
        auto read = read_attributes(attributes);
        if (!read) return read;
        own.attributes = std::move(*read);
    }
    return outgoing_message(own, body.value_or(""));
}

}  // namespace tranter::cli
