#include "cli/queue_command.hpp"

#include "base/unicode.hpp"
#include "cli/queue_attributes.hpp"
#include "cli/queue_flow.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tranter::cli {

namespace {

void add_counters(Json& record, const Json& attributes) {
    record.set("visible", attributes["ApproximateNumberOfMessages"].number())
        .set("in_flight", attributes["ApproximateNumberOfMessagesNotVisible"].number())
        .set("delayed", attributes["ApproximateNumberOfMessagesDelayed"].number());
}

/// The name of the dead-letter queue, null when there is none.
Json dead_letter_queue(const Json& attributes) {
    const auto policy = Json::parse(attributes["RedrivePolicy"].text());
    if (!policy) return {};
    const auto arn = parse_queue_arn((*policy)["deadLetterTargetArn"].text());
    return arn ? Json(arn->name) : Json();
}

Result<int> list(const Arguments& arguments) {
    auto session = Session::open(arguments);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("listing queues");
    const auto urls = client.list_queues(arguments.text("prefix"));
    if (!urls) return std::unexpected(urls.error());
    const bool details = arguments.is_on("long");
    if (details) {
        output.begin(
            {{"name", "NAME"},
             {"visible", "VISIBLE"},
             {"in_flight", "IN FLIGHT"},
             {"delayed", "DELAYED"},
             {"dead_letter_queue", "DEAD-LETTER QUEUE"}}
        );
        progress.start("reading queues", urls->size());
    } else {
        output.begin({{"name", "NAME"}, {"url", "URL"}});
    }
    std::uint64_t done = 0;
    for (const std::string& url : *urls) {
        Json record;
        record.set("name", queue_name_of_url(url)).set("url", url);
        if (details) {
            const auto attributes = client.attributes(url);
            progress.update(++done);
            // Deleted since it was listed.
            if (!attributes && attributes.error().code() == Errc::not_found) continue;
            if (!attributes) return std::unexpected(attributes.error());
            add_counters(record, *attributes);
            record.set("dead_letter_queue", dead_letter_queue(*attributes));
        }
        output.row(std::move(record));
    }
    progress.stop();
    output.end();
    return 0;
}

Result<int> create(const Arguments& arguments) {
    const std::string name = arguments.text("NAME");
    if (auto checked = check_queue_name(name); !checked) return std::unexpected(checked.error());
    const bool fifo = arguments.is_on("fifo");
    if (fifo && !name.ends_with(".fifo")) {
        return fail(
            Errc::invalid_argument,
            fmt::format("the name of a FIFO queue ends in .fifo, expected {}.fifo", name)
        );
    }
    if (!fifo && name.ends_with(".fifo")) {
        return fail(
            Errc::invalid_argument,
            fmt::format("queue name {} is that of a FIFO queue, expected --fifo", in_quotes(name))
        );
    }
    auto attributes = collect_queue_attributes(arguments);
    if (!attributes) return std::unexpected(attributes.error());
    const auto tags = collect_assignments(arguments, "tag");
    if (!tags) return std::unexpected(tags.error());
    if (fifo) attributes->set("FifoQueue", "true");

    auto session = Session::open(arguments);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("creating the queue");
    auto redrive = add_redrive_policy(arguments, client, *attributes);
    if (!redrive) return std::unexpected(redrive.error());
    Json input;
    input.set("QueueName", name);
    if (!attributes->members().empty()) input.set("Attributes", *attributes);
    if (!tags->is_null()) input.set("tags", *tags);
    const auto answer = client.call("CreateQueue", input);
    if (!answer) return std::unexpected(answer.error());
    progress.stop();
    Json record;
    record.set("name", name).set("url", (*answer)["QueueUrl"]);
    output.one(record);
    return 0;
}

Result<int> show(const Arguments& arguments) {
    const std::string queue = arguments.text("QUEUE");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("reading the queue");
    const auto url = client.queue_url(queue);
    if (!url) return std::unexpected(url.error());
    const auto attributes = client.attributes(*url);
    if (!attributes) return std::unexpected(attributes.error());
    Json input;
    input.set("QueueUrl", *url);
    const auto tags = client.call("ListQueueTags", input);
    progress.stop();
    Json record;
    record.set("name", queue_name_of_url(*url)).set("url", *url);
    add_counters(record, *attributes);
    record.set("dead_letter_queue", dead_letter_queue(*attributes)).set("attributes", *attributes);
    if (tags) {
        const Json& found = (*tags)["Tags"];
        record.set("tags", found.is_null() ? Json(Json::Object()) : found);
    } else {
        // Reading tags is a permission of its own on AWS; the rest is worth showing.
        say(fmt::format("tags are left out: {}", tags.error().message()));
    }
    output.one(record);
    return 0;
}

Result<> change_tags(
    const Arguments& arguments, SqsClient& client, const std::string& url, const Json& tags
) {
    if (!tags.is_null()) {
        Json input;
        input.set("QueueUrl", url).set("Tags", tags);
        const auto answer = client.call("TagQueue", input);
        if (!answer) return std::unexpected(answer.error());
    }
    Json keys;
    for (const std::string& key : arguments.list("untag")) {
        keys.push(key);
    }
    if (keys.is_null()) return {};
    Json input;
    input.set("QueueUrl", url).set("TagKeys", keys);
    const auto answer = client.call("UntagQueue", input);
    if (!answer) return std::unexpected(answer.error());
    return {};
}

Result<int> set(const Arguments& arguments) {
    const std::string queue = arguments.text("QUEUE");
    auto attributes = collect_queue_attributes(arguments);
    if (!attributes) return std::unexpected(attributes.error());
    const auto tags = collect_assignments(arguments, "tag");
    if (!tags) return std::unexpected(tags.error());
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("changing the queue");
    const auto url = client.queue_url(queue);
    if (!url) return std::unexpected(url.error());
    auto redrive = add_redrive_policy(arguments, client, *attributes);
    if (!redrive) return std::unexpected(redrive.error());
    if (attributes->members().empty() && tags->is_null() && !arguments.has("untag")) {
        return fail(
            Errc::invalid_argument,
            "nothing to change, expected K=V like visibility-timeout=30s, --dlq, --tag or --untag"
        );
    }
    if (!attributes->members().empty()) {
        Json input;
        input.set("QueueUrl", *url).set("Attributes", *attributes);
        const auto answer = client.call("SetQueueAttributes", input);
        if (!answer) return std::unexpected(answer.error());
    }
    auto changed = change_tags(arguments, client, *url, *tags);
    if (!changed) return std::unexpected(changed.error());
    progress.stop();
    Json record;
    record.set("name", queue_name_of_url(*url)).set("url", *url);
    output.one(record);
    return 0;
}

/// Deletes or purges: resolves all names first, asks once, then does it one by one.
Result<int> for_each_queue(
    const Arguments& arguments,
    std::string_view action,
    std::string_view question,
    std::string_view done
) {
    const std::vector<std::string> queues = arguments.list("QUEUE");
    auto session = Session::open(arguments, queues.front());
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    for (const std::string& queue : queues) {
        if (is_queue_url(queue) || parse_queue_arn(queue)) continue;
        if (auto checked = check_queue_name(queue); !checked) {
            return std::unexpected(checked.error());
        }
    }
    auto confirmed = confirm(arguments, fmt::format("{} {}?", question, fmt::join(queues, ", ")));
    if (!confirmed) return std::unexpected(confirmed.error());
    progress.start(question);
    std::vector<std::string> urls;
    for (const std::string& queue : queues) {
        const auto url = client.queue_url(queue);
        if (!url) return std::unexpected(url.error());
        urls.push_back(*url);
    }
    output.begin({{"name", "NAME"}, {"result", "RESULT"}});
    for (const std::string& url : urls) {
        Json input;
        input.set("QueueUrl", url);
        const auto answer = client.call(action, input);
        if (!answer) return std::unexpected(answer.error());
        Json record;
        record.set("name", queue_name_of_url(url)).set("url", url).set("result", done);
        output.row(std::move(record));
    }
    progress.stop();
    output.end();
    return 0;
}

Result<int> delete_queues(const Arguments& arguments) {
    return for_each_queue(arguments, "DeleteQueue", "delete with all messages:", "deleted");
}

Result<int> purge(const Arguments& arguments) {
    return for_each_queue(arguments, "PurgeQueue", "delete all messages of:", "purged");
}

const Positional queue_argument{.name = "QUEUE", .help = "name, URL or ARN of the queue"};
const Positional queue_arguments{
    .name = "QUEUE", .help = "names, URLs or ARNs of the queues", .repeated = true};
const Option yes{.name = "yes", .value = "", .help = "do not ask", .letter = 'y'};
const Option tag{.name = "tag", .value = "K=V", .help = "a tag of the queue", .repeated = true};

Command list_command() {
    return {
        .name = "list",
        .summary = "list the queues",
        .description =
            "Those of an SQS endpoint. Queues of jobs, in any store: `tranter queue limits`.",
        .options = with_connection_options(
            {{.name = "prefix", .value = "TEXT", .help = "only queues whose names start so"},
             {.name = "long",
              .value = "",
              .help = "with message counts; one more request per queue",
              .letter = 'l'}}
        ),
        .examples =
            {{"what is in the queues of this machine", "tranter queue list -l"},
             {"names only, for a script", "tranter queue list -o ndjson | jq -r .name"},
             {"queues on AWS", "tranter queue list --aws --region eu-west-1 --prefix orders"}},
        .run = list,
    };
}

Command create_command() {
    std::vector<Option> options{
        {.name = "fifo", .value = "", .help = "a FIFO queue; its name ends in .fifo"}};
    for (const Option& option : queue_attribute_options()) {
        options.push_back(option);
    }
    options.push_back(tag);
    return {
        .name = "create",
        .summary = "create a queue",
        .description =
            "Creating a queue that exists with the same attributes changes nothing and "
            "succeeds;\nwith different ones it is a conflict (exit code 4).",
        .positionals =
            {{.name = "NAME", .help = "1 to 80 letters, digits, '-' and '_', or the same + .fifo"}},
        .options = with_connection_options(std::move(options)),
        .examples =
            {{"a queue with a dead-letter queue",
              "tranter queue create orders-dlq && "
              "tranter queue create orders --dlq orders-dlq --max-receives 5"},
             {"a FIFO queue",
              "tranter queue create payments.fifo --fifo "
              "--attribute content-based-deduplication=true"}},
        .run = create,
    };
}

Command set_command() {
    std::vector<Option> options = queue_attribute_options();
    options.push_back(
        {.name = "no-dlq", .value = "", .help = "stop moving messages to a dead-letter queue"}
    );
    options.push_back(tag);
    options.push_back(
        {.name = "untag", .value = "K", .help = "remove a tag of the queue", .repeated = true}
    );
    return {
        .name = "set",
        .summary = "change attributes and tags of a queue",
        .description =
            "K is one of visibility-timeout, delay, retention, receive-wait (durations with a "
            "unit),\nmax-message-size (a size with a unit), content-based-deduplication,\n"
            "deduplication-scope, fifo-throughput-limit, policy, redrive-policy,\n"
            "redrive-allow-policy, or an AWS name like VisibilityTimeout with its AWS value.",
        .positionals =
            {queue_argument,
             {.name = "K=V", .help = "attributes to change", .required = false, .repeated = true}},
        .options = with_connection_options(std::move(options)),
        .examples =
            {{"give consumers two minutes",
              "tranter queue set orders visibility-timeout=2m receive-wait=20s"},
             {"tag it", "tranter queue set orders --tag team=billing --untag owner"}},
        .run = set,
    };
}

}  // namespace

Command queue_command() {
    return {
        .name = "queue",
        .summary =
            "list, create, change and delete queues of any SQS endpoint, and hold their jobs",
        .commands =
            {list_command(),
             create_command(),
             {.name = "show",
              .summary = "show a queue with its counters, attributes and tags",
              .positionals = {queue_argument},
              .options = with_connection_options({}),
              .examples =
                  {{"how many messages wait", "tranter queue show orders -o json | jq .visible"}},
              .run = show},
             set_command(),
             {.name = "delete",
              .summary = "delete queues with all their messages",
              .positionals = {queue_arguments},
              .options = with_connection_options({yes}),
              .examples = {{"without being asked", "tranter queue delete orders --yes"}},
              .run = delete_queues},
             {.name = "purge",
              .summary = "delete all messages of queues, also those in flight",
              .positionals = {queue_arguments},
              .options = with_connection_options({yes}),
              .examples = {{"without being asked", "tranter queue purge orders --yes"}},
              .run = purge},
             queue_pause_command(),
             queue_resume_command(),
             queue_limits_command()},
    };
}

}  // namespace tranter::cli
