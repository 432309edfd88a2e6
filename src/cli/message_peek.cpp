#include "cli/message_peek.hpp"

#include "cli/config_file.hpp"
#include "cli/message_record.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace tranter::cli {

namespace {

constexpr int sqs_port = 9324;
constexpr int admin_port = 9325;
constexpr std::int64_t default_limit = 10;
constexpr std::int64_t limit_max = 1000;
constexpr std::int64_t batch_max = 10;

/// Where the admin API is: what --admin says, or beside a Tranter on its usual ports.
Result<std::optional<ServiceUrl>> find_admin(
    const Arguments& arguments, const ServiceUrl& endpoint
) {
    if (const auto given = arguments.find("admin")) {
        auto url = parse_service_url(*given);
        if (!url) return std::unexpected(url.error());
        return std::move(*url);
    }
    if (!endpoint.is_loopback() || endpoint.port != sqs_port) return std::nullopt;
    const std::string host = endpoint.host == "::1" ? "[::1]" : endpoint.host;
    auto url = parse_service_url(fmt::format("http://{}:{}", host, admin_port));
    if (!url) return std::unexpected(url.error());
    return std::move(*url);
}

std::vector<Column> peek_columns() {
    std::vector<Column> columns = message_columns();
    columns.insert(columns.end() - 1, {"state", "STATE"});
    columns.insert(columns.end() - 1, {"dead_letter_source", "FROM"});
    return columns;
}

/// Which messages of a queue.
struct Page {
    std::int64_t offset = 0;
    std::int64_t limit = 0;
};

/// A page as the admin API shows it; `unavailable` when there is none at that address.
Result<Json> ask_admin(
    const Arguments& arguments, const ServiceUrl& admin, const std::string& queue, Page page
) {
    if (auto checked = check_queue_name(queue); !checked) return std::unexpected(checked.error());
    const auto timeout = arguments.duration("timeout");
    if (!timeout) return std::unexpected(timeout.error());
    http::ClientRequest request{
        .url = fmt::format(
            "{}/queues/{}/messages?limit={}&offset={}", admin.text, queue, page.limit, page.offset
        )};
    if (*timeout) request.timeout = **timeout;
    // Only from the environment: everybody on the machine can read command lines.
    if (const char* token = process_environment()("TRANTER_ADMIN_TOKEN")) {
        request.headers.emplace_back("Authorization", fmt::format("Bearer {}", token));
    }
    http::Client client;
    const auto response = client.send(request);
    if (!response) return std::unexpected(response.error());
    auto body = Json::parse(response->body);
    if (response->status == 200 && body && !(*body)["messages"].is_null()) return body;
    if (response->status == 401 || response->status == 403) {
        return fail(
            Errc::unauthenticated,
            fmt::format(
                "{} answered HTTP {}, expected TRANTER_ADMIN_TOKEN to be the token of the server",
                admin.text,
                response->status
            )
        );
    }
    if (response->status == 404 && body && body->is_object()) {
        return fail(
            Errc::not_found, fmt::format("queue {} does not exist at {}", queue, admin.text)
        );
    }
    return fail(
        Errc::unavailable,
        fmt::format(
            "{} answered HTTP {}, expected the admin port of a Tranter server",
            admin.text,
            response->status
        )
    );
}

/// Large messages come in several pages.
Result<int> peek_by_admin(
    Session& session,
    const Arguments& arguments,
    const ServiceUrl& admin,
    const std::string& queue,
    std::int64_t limit
) {
    Page page{.limit = limit};
    do {
        const auto answer = ask_admin(arguments, admin, queue, page);
        if (!answer) return std::unexpected(answer.error());
        if (page.offset == 0) {
            session.progress.stop();
            session.output.begin(peek_columns());
        }
        for (const Json& message : (*answer)["messages"].items())
            session.output.row(message);
        page.offset = (*answer)["next_offset"].number();
        page.limit = limit - page.offset;
    } while (page.offset > 0 && page.limit > 0);
    session.output.end();
    return 0;
}

/// Receives with visibility 0. Each round counts as a receive for every message in it, so there is
/// no further one unless the last was full and brought something new.
Result<int> peek_by_receiving(Session& session, const std::string& url, std::int64_t limit) {
    session.progress.hide();
    say("this endpoint has no way to peek: looking counts as a receive, and as one towards the "
        "dead-letter queue");
    session.output.begin(peek_columns());
    std::unordered_set<std::string> seen;
    bool more = true;
    while (more && std::ssize(seen) < limit) {
        Json all;
        all.push("All");
        Json input;
        input.set("QueueUrl", url)
            .set("MaxNumberOfMessages", std::min(limit, batch_max))
            .set("VisibilityTimeout", 0)
            .set("WaitTimeSeconds", 0)
            .set("AttributeNames", all)
            .set("MessageAttributeNames", all);
        const auto answer = session.client.call("ReceiveMessage", input);
        if (!answer) return std::unexpected(answer.error());
        const Json::Array& messages = (*answer)["Messages"].items();
        bool news = false;
        for (const Json& message : messages) {
            if (std::ssize(seen) == limit) break;
            if (!seen.emplace(message["MessageId"].text()).second) continue;
            news = true;
            session.output.row(message_record(message));
        }
        more = news && std::ssize(messages) == batch_max;
        session.progress.update(seen.size());
    }
    session.progress.stop();
    session.output.end();
    return 0;
}

Result<int> peek(const Arguments& arguments) {
    const auto limit = arguments.integer("limit", {.min = 1, .max = limit_max});
    if (!limit) return std::unexpected(limit.error());
    const std::string queue = arguments.text("QUEUE");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    const auto admin = find_admin(arguments, client.endpoint());
    if (!admin) return std::unexpected(admin.error());
    progress.start("peeking");
    const auto url = client.queue_url(queue);
    if (!url) return std::unexpected(url.error());

    const std::int64_t count = limit->value_or(default_limit);
    if (*admin) {
        const auto peeked =
            peek_by_admin(**session, arguments, **admin, queue_name_of_url(*url), count);
        // A guessed admin port may belong to something else; one that was named has to work.
        const bool guessed = !arguments.has("admin");
        if (peeked || !guessed || peeked.error().code() != Errc::unavailable) return peeked;
    }
    return peek_by_receiving(**session, *url, count);
}

std::vector<Option> peek_options() {
    return with_connection_options(
        {{.name = "limit", .value = "N", .help = "how many at most (default: 10)"},
         {.name = "admin",
          .value = "URL",
          .help = "admin port of the Tranter server (default: port 9325 beside 127.0.0.1:9324)",
          .environment = "TRANTER_ADMIN_URL"}}
    );
}

constexpr std::string_view peek_description =
    "A Tranter server shows messages without receiving them. Any other endpoint can only hand "
    "them\nout with a visibility timeout of zero, which counts as a receive; that is said on "
    "stderr.\nA server whose admin port wants a token finds it in $TRANTER_ADMIN_TOKEN.";

}  // namespace

Command message_peek_command() {
    return {
        .name = "peek",
        .summary = "look at messages without taking them",
        .description = peek_description,
        .positionals = {{.name = "QUEUE", .help = "name, URL or ARN of the queue"}},
        .options = peek_options(),
        .examples = {{"what waits in a queue", "tranter message peek orders --limit 20"}},
        .run = peek,
    };
}

}  // namespace tranter::cli
