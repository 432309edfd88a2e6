#include "sqs/call.hpp"

#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "sqs/names.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::sqs {

namespace {

constexpr std::string_view json_type = "application/x-amz-json-1.0";
constexpr std::string_view xml_type = "text/xml";

void append_request_id(std::string& headers, const Uuid& id) {
    headers.reserve(56);
    headers += "x-amzn-RequestId: ";
    append_uuid(headers, id);
    headers += "\r\n";
}

/// What a client sent may be in the text, and a header may hold any bytes.
std::string printable(std::string text) {
    if (is_valid_utf8(text)) return text;
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) > 0x7E; }, '?'
    );
    return text;
}

/// The Query protocol words this one error differently.
std::string xml_message(const Failure& failure) {
    if (failure == no_such_queue()) {
        return "The specified queue does not exist for this wsdl version.";
    }
    return failure.message;
}

}  // namespace

void Dress::count_success() const {
    if (counters != nullptr) counters->succeeded(action_index(*action), begun);
}

void Dress::count_failure(Code code) const {
    if (counters == nullptr) return;
    counters->failed(action ? action_index(*action) : RequestCounters::unknown_action, code, begun);
}

http::Response Dress::failure(const Failure& failure) const {
    count_failure(failure.code);
    const CodeInfo& code = info(failure.code);
    http::Response response;
    response.status = code.status;
    append_request_id(response.headers, request_id);
    if (protocol == Protocol::json) {
        response.content_type = json_type;
        response.headers +=
            fmt::format("x-amzn-query-error: {};{}\r\n", code.legacy, fault_name(code.fault));
        JsonWriter json(response.body);
        json.begin_object()
            .member("__type", code.shape)
            .member("message", printable(failure.message));
        json.end_object();
        return response;
    }
    response.content_type = xml_type;
    std::string& body = response.body;
    body =
        "<?xml version=\"1.0\"?>\n"
        "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>";
    body += fault_name(code.fault);
    body += "</Type><Code>";
    body += code.legacy;
    body += "</Code><Message>";
    append_xml_escaped(body, printable(xml_message(failure)));
    body += "</Message><Detail/></Error><RequestId>";
    append_uuid(body, request_id);
    body += "</RequestId></ErrorResponse>\n";
    return response;
}

http::Response Dress::finish(JsonOutput&& out) const {
    http::Response response;
    response.content_type = json_type;
    append_request_id(response.headers, request_id);
    // SQS answers actions that return nothing with no body at all.
    if (action->has_result) response.body = std::move(out).finish();
    return response;
}

http::Response Dress::finish(XmlOutput&& out) const {
    http::Response response;
    response.content_type = xml_type;
    append_request_id(response.headers, request_id);
    response.body = std::move(out).finish(format_uuid(request_id));
    return response;
}

XmlOutput Dress::begin_xml() const {
    return {action->name, action->has_result};
}

Outcome<> Call::check_input() const {
    if (input.failure()) return Failed(*input.failure());
    return {};
}

Outcome<broker::QueueHandle> Call::find_queue(bool create) {
    std::string_view name = path_queue;
    if (const auto url = input.text("QueueUrl"); url && !url->empty()) {
        const Outcome<std::string_view> named = queue_name_of_url(*url);
        if (!named) return Failed(named.error());
        name = *named;
    }
    if (input.failure()) return Failed(*input.failure());
    if (name.empty()) return Failed(missing("QueueUrl"));
    if (broker::QueueHandle found = broker.find_queue(name)) return found;

    const std::size_t name_max = options.limits == Limits::strict ? 80 : 1000;
    if (!create || !may_create || !options.auto_create || !is_queue_name(name, name_max)) {
        return Failed(no_such_queue());
    }
    broker::QueueSettings settings = options.auto_create_settings;
    settings.engine.groups.order = is_fifo_name(name) ? engine::Order::fifo : engine::Order::none;
    if (!is_fifo_name(name)) settings.content_based_deduplication = false;
    Result<broker::QueueHandle> created = broker.create_queue(name, std::move(settings));
    if (created) {
        wait_for_all();
        return *created;
    }
    // Somebody else was faster.
    if (broker::QueueHandle found = broker.find_queue(name)) return found;
    return Failed(from_error(created.error()));
}

}  // namespace tranter::sqs
