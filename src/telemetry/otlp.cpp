#include "telemetry/otlp.hpp"

#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "jobs/options_writer.hpp"

#include <tranter/version.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <variant>

namespace tranter::telemetry {

namespace {

constexpr int status_error = 2;
constexpr int flag_sampled = 1;

void write_text(JsonWriter& json, std::string_view name, std::string_view value) {
    json.begin_object().member("key", name).key("value").begin_object();
    json.member("stringValue", jobs::as_utf8(value)).end_object().end_object();
}

void write_number(JsonWriter& json, std::string_view name, std::int64_t value) {
    json.begin_object().member("key", name).key("value").begin_object();
    json.member("intValue", fmt::to_string(value)).end_object().end_object();
}

void write_resource(JsonWriter& json, const Settings& settings) {
    json.key("resource").begin_object().key("attributes").begin_array();
    for (const auto& [name, value] : settings.resource)
        write_text(json, name, value);
    write_text(json, "telemetry.sdk.language", "cpp");
    write_text(json, "telemetry.sdk.name", "tranter");
    write_text(json, "telemetry.sdk.version", version);
    json.end_array().end_object();
}

void write_time(JsonWriter& json, std::string_view name, Instant when) {
    using std::chrono::nanoseconds;
    const auto time = std::chrono::duration_cast<nanoseconds>(when.time_since_epoch());
    json.member(name, fmt::to_string(time.count()));
}

void write_link(JsonWriter& json, const TraceContext& link) {
    json.begin_object().member("traceId", to_hex(link.trace_id));
    json.member("spanId", to_hex(link.span_id));
    json.member("flags", link.sampled ? flag_sampled : 0).end_object();
}

void write_span(JsonWriter& json, const Span& span) {
    json.begin_object().member("traceId", to_hex(span.context.trace_id));
    json.member("spanId", to_hex(span.context.span_id));
    if (!span.trace_state.empty()) json.member("traceState", span.trace_state);
    if (span.parent) json.member("parentSpanId", to_hex(*span.parent));
    json.member("flags", span.context.sampled ? flag_sampled : 0);
    json.member("name", jobs::as_utf8(span.name)).member("kind", static_cast<int>(span.kind));
    write_time(json, "startTimeUnixNano", span.begin);
    write_time(json, "endTimeUnixNano", span.end);
    json.key("attributes").begin_array();
    for (const auto& [name, value] : span.attributes) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
            write_number(json, name, *number);
        } else {
            write_text(json, name, std::get<std::string>(value));
        }
    }
    json.end_array();
    if (!span.links.empty()) {
        json.key("links").begin_array();
        for (const TraceContext& link : span.links)
            write_link(json, link);
        json.end_array();
    }
    json.key("status").begin_object();
    if (span.failed) {
        json.member("code", status_error);
        if (!span.error.empty()) json.member("message", jobs::as_utf8(span.error));
    }
    json.end_object().end_object();
}

}  // namespace

std::string to_otlp(const Settings& settings, std::span<const Span> spans) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("resourceSpans").begin_array().begin_object();
    write_resource(json, settings);
    json.key("scopeSpans").begin_array().begin_object();
    json.key("scope").begin_object().member("name", "tranter").member("version", version);
    json.end_object().key("spans").begin_array();
    for (const Span& span : spans)
        write_span(json, span);
    json.end_array().end_object().end_array().end_object().end_array().end_object();
    return out;
}

std::uint64_t rejected_spans(std::string_view answer) {
    simdjson::dom::parser parser;
    simdjson::dom::element count;
    const auto document = parser.parse(answer.data(), answer.size());
    if (document["partialSuccess"]["rejectedSpans"].get(count) != simdjson::SUCCESS) return 0;
    std::uint64_t number = 0;
    if (count.get(number) == simdjson::SUCCESS) return number;
    std::string_view text;
    if (count.get(text) != simdjson::SUCCESS) return 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace tranter::telemetry
