#include "sqs/service.hpp"

#include "base/encoding.hpp"
#include "base/uuid.hpp"
#include "http/text.hpp"
#include "sqs/call.hpp"
#include "sqs/held_answers.hpp"
#include "sqs/json_input.hpp"
#include "sqs/names.hpp"
#include "sqs/query_input.hpp"
#include "sqs/sigv4.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace tranter::sqs {

namespace {

using http::same_ignoring_case;

/// What the headers say that is needed before and while an action runs; found in one pass.
struct Head {
    std::optional<std::string_view> target{};
    std::string_view media_type{};  // without parameters
    std::string_view host{};
    std::string_view trace_id{};
    std::size_t targets = 0;
    bool has_origin = false;

    explicit Head(const http::Request& request) {
        for (const http::Header& header : request.headers) {
            switch (header.name.size()) {
                case 4:
                    if (same_ignoring_case(header.name, "host")) host = header.value;
                    break;
                case 6:
                    if (same_ignoring_case(header.name, "origin")) has_origin = true;
                    break;
                case 12:
                    if (same_ignoring_case(header.name, "content-type")) {
                        media_type = header.value.substr(0, header.value.find(';'));
                        while (media_type.ends_with(' '))
                            media_type.remove_suffix(1);
                    } else if (same_ignoring_case(header.name, "x-amz-target")) {
                        target = header.value;
                        ++targets;
                    }
                    break;
                case 15:
                    if (same_ignoring_case(header.name, "x-amzn-trace-id"))
                        take_trace_id(header.value);
                    break;
                default:
                    break;
            }
        }
    }

    bool json_body() const {
        return same_ignoring_case(media_type, "application/x-amz-json-1.0") ||
               same_ignoring_case(media_type, "application/x-amz-json-1.1") ||
               same_ignoring_case(media_type, "application/json");
    }
    bool form_body() const {
        return same_ignoring_case(media_type, "application/x-www-form-urlencoded");
    }

  private:
    void take_trace_id(std::string_view value) {
        if (is_valid_utf8(value) && is_message_text(value)) trace_id = value;
    }
};

/// A request whose sender is known.
struct Arrival {
    const http::Request& request;
    const Head& head;
    std::string_view sender;
    bool may_change = true;
};

/// Whether a browser sent it. No page can leave these out or change them in a request that the
/// browser sends without asking the server first.
bool is_from_browser(const http::Request& request) {
    return std::ranges::any_of(request.headers, [](const http::Header& header) {
        return same_ignoring_case(header.name, "referer") ||
               same_ignoring_case(header.name.substr(0, 10), "sec-fetch-") ||
               (same_ignoring_case(header.name, "user-agent") &&
                header.value.starts_with("Mozilla/"));
    });
}

Failure unknown_action(std::string_view name) {
    return {
        Code::invalid_action,
        fmt::format("The action {} is not valid for this endpoint.", shortened(name, 128))};
}

}  // namespace

struct Service::Core {
    ServiceOptions options;
    broker::Broker& broker;
    mutable RequestCounters counters{};
    mutable HeldAnswers held_answers{};

    void handle(const http::Request& request, Reply reply) const;

  private:
    void handle_json(const http::Request& request, const Head& head, Dress& dress, Reply& reply)
        const;
    void handle_query(const http::Request& request, const Head& head, Dress& dress, Reply& reply)
        const;
    /// The access key id; empty when nobody must be known and nobody is.
    Outcome<std::string> identify(const http::Request& request) const;
    bool may_change(const http::Request& request, const Head& head) const;
    void run(const Arrival& arrival, const Dress& dress, Input& input, Reply& reply) const;
    void answer_when_safe(const Call& call, http::Response&& response) const;
};

Service::Service(ServiceOptions options, broker::Broker& broker)
    : core_(std::make_unique<Core>(std::move(options), broker)) {}

std::vector<RequestCounters::Count> Service::requests() const {
    return core_->counters.list();
}

std::vector<RequestCounters::Durations> Service::durations() const {
    return core_->counters.durations();
}

Service::~Service() = default;

void Service::handle(const http::Request& request, http::Exchange exchange) {
    core_->handle(request, Reply(std::move(exchange)));
}

void Service::handle(const http::Request& request, Reply reply) {
    core_->handle(request, std::move(reply));
}

void Service::Core::handle(const http::Request& request, Reply reply) const {
    const bool get = request.method == "GET";
    if (request.path == "/health" && (get || request.method == "HEAD")) {
        return std::move(reply).respond({.content_type = "text/plain", .body = "OK"});
    }
    const Head head(request);
    Dress dress{
        .protocol = head.target || head.json_body() ? Protocol::json : Protocol::query,
        .request_id = make_uuid(),
        .counters = &counters,
        .begun = RequestCounters::Clock::now(),
    };
    if (!get && request.method != "POST") {
        http::Response response = dress.failure(
            {Code::unsupported_operation,
             fmt::format("The method {} is not supported, use POST.", request.method.substr(0, 32))}
        );
        response.status = 405;
        response.headers += "Allow: GET, POST\r\n";
        return std::move(reply).respond(std::move(response));
    }
    if (dress.protocol == Protocol::json) {
        handle_json(request, head, dress, reply);
    } else {
        handle_query(request, head, dress, reply);
    }
}

void Service::Core::handle_json(
    const http::Request& request, const Head& head, Dress& dress, Reply& reply
) const {
    constexpr std::string_view prefix = "AmazonSQS.";
    const auto refuse = [&](const Failure& failure) {
        std::move(reply).respond(dress.failure(failure));
    };
    if (!head.target) {
        return refuse({Code::missing_action, "The header X-Amz-Target is missing."});
    }
    if (head.targets > 1) {
        return refuse({Code::invalid_action, "The header X-Amz-Target occurs twice."});
    }
    if (head.has_origin && !head.media_type.empty() && !head.json_body()) {
        // What a page may send without asking first is none of these types.
        return refuse(
            {Code::unsupported_media_type, "The media type must be application/x-amz-json-1.0."}
        );
    }
    const bool ours = head.target->starts_with(prefix);
    const std::string_view name = ours ? head.target->substr(prefix.size()) : *head.target;
    dress.action = ours ? find_action(name) : nullptr;
    if (dress.action == nullptr) return refuse(unknown_action(name));
    const Outcome<std::string> sender = identify(request);
    if (!sender) return refuse(sender.error());

    JsonDocument document(request.body);
    if (document.failure()) return refuse(*document.failure());
    run({request, head, *sender}, dress, document.input(), reply);
}

void Service::Core::handle_query(
    const http::Request& request, const Head& head, Dress& dress, Reply& reply
) const {
    const auto refuse = [&](const Failure& failure) {
        std::move(reply).respond(dress.failure(failure));
    };
    // Old clients send forms without saying so.
    const bool unnamed_form =
        request.body.starts_with("Action=") && (head.media_type.empty() || !head.has_origin);
    const bool form = head.form_body() || unnamed_form;
    const auto parsed = QueryForm::parse(form ? request.body : std::string_view(), request.query);
    if (!parsed) return refuse(parsed.error());
    const auto name = parsed->find("Action");
    const bool on_queue_url = !queue_name_of_path(request.path, options.context_path).empty();
    if (!name) {
        if (!on_queue_url && request.method == "POST") {
            return refuse({Code::missing_action, "The request must contain the parameter Action."});
        }
        return std::move(reply).respond(
            {.status = 404, .content_type = "text/xml", .body = "<UnknownOperationException/>\n"}
        );
    }
    dress.action = find_action(*name);
    if (dress.action == nullptr || (on_queue_url && !dress.action->on_queue_url)) {
        return refuse(unknown_action(*name));
    }
    const Outcome<std::string> sender = identify(request);
    if (!sender) return refuse(sender.error());
    const bool may_change = this->may_change(request, head);
    if (!may_change && !dress.action->reads_only) {
        return refuse(
            {Code::access_denied,
             fmt::format("A browser must use POST for the action {}.", dress.action->name)}
        );
    }
    QueryInput input(parsed->parameters());
    run({request, head, *sender, may_change}, dress, input, reply);
}

/// What any page can make the browser of somebody else do changes nothing: fetch an image, say. An
/// Origin was found good by the server; a signature is checked where one is required.
bool Service::Core::may_change(const http::Request& request, const Head& head) const {
    return request.method != "GET" || options.auth.required || head.has_origin ||
           !is_from_browser(request);
}

Outcome<std::string> Service::Core::identify(const http::Request& request) const {
    if (!options.auth.required) return std::string(claimed_access_key(request));
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return authenticate(request, options.auth, now);
}

void Service::Core::run(const Arrival& arrival, const Dress& dress, Input& input, Reply& reply)
    const {
    const auto perform = [&](auto output) {
        Call call{
            .options = options,
            .broker = broker,
            .dress = dress,
            .input = input,
            .output = output,
            .host = arrival.head.host,
            .path_queue = queue_name_of_path(arrival.request.path, options.context_path),
            .trace_id = arrival.head.trace_id,
            .sender = arrival.sender,
            .reply = reply,
            .may_create = arrival.may_change,
        };
        const Outcome<> outcome = dress.action->run(call);
        if (call.reply_taken) return;
        if (!outcome) return std::move(reply).respond(dress.failure(outcome.error()));
        answer_when_safe(call, dress.finish(std::move(output)));
    };
    if (dress.protocol == Protocol::json) {
        perform(JsonOutput());
    } else {
        perform(dress.begin_xml());
    }
}

void Service::Core::answer_when_safe(const Call& call, http::Response&& response) const {
    broker::Journal& journal = broker.journal();
    const bool durable = call.position != 0;
    const bool ready = (!durable || journal.is_durable(call.position)) &&
                       (call.written == 0 || journal.is_written(call.written));
    if (ready) {
        call.dress.count_success();
        return std::move(call.reply).respond(std::move(response));
    }
    auto held = held_answers.take();
    held->dress = call.dress;
    held->response = std::move(response);
    held->reply.emplace(std::move(call.reply));
    // Small enough for std::move_only_function to keep it without an allocation.
    auto answer = [this, held = std::move(held)](bool safe) mutable {
        if (safe) {
            held->dress.count_success();
        } else {
            held->response = held->dress.failure(
                {Code::service_unavailable,
                 "The change could not be made durable: " + broker.journal().trouble()}
            );
        }
        std::move(*held->reply).respond(std::move(held->response));
        held->reply.reset();
        held->response = {};
        held_answers.give_back(std::move(held));
    };
    if (durable) {
        journal.when_durable(std::max(call.position, call.written), std::move(answer));
    } else {
        journal.when_written(call.written, std::move(answer));
    }
}

}  // namespace tranter::sqs
