#include "providers/sqs_queues.hpp"

#include "aws/sqs_client.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"
#include "providers/sqs_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::providers {

namespace {

constexpr std::chrono::seconds remembered_for(60);
constexpr std::string_view dead_letter_ending = "-dlq";
constexpr std::string_view fifo_ending = ".fifo";
constexpr int list_page_max = 1000;

std::shared_ptr<SqsQueue> read_sqs_queue(std::string_view name, const aws::Json& attributes) {
    auto queue = std::make_shared<SqsQueue>();
    queue->name = name;
    queue->fifo = name.ends_with(fifo_ending);
    const std::int64_t bytes = attributes["MaximumMessageSize"].number();
    queue->message_bytes_max = bytes > 0 ? static_cast<std::size_t>(bytes) : sqs_message_bytes_max;
    const auto policy = aws::Json::parse(attributes["RedrivePolicy"].text());
    if (!policy) return queue;
    if (const auto arn = aws::parse_queue_arn((*policy)["deadLetterTargetArn"].text())) {
        queue->dead_letter_queue = arn->name;
        queue->max_receives = static_cast<std::uint32_t>(
            std::max<std::int64_t>((*policy)["maxReceiveCount"].number(), 0)
        );
    }
    return queue;
}

std::uint64_t count_in(const aws::Json& attributes, std::string_view name) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(attributes[name].number(), 0));
}

}  // namespace

std::string dead_letter_name(std::string_view queue) {
    if (queue.ends_with(fifo_ending)) {
        const std::string stem =
            dead_letter_name(queue.substr(0, queue.size() - fifo_ending.size()));
        return stem.empty() ? stem : stem + std::string(fifo_ending);
    }
    if (queue.ends_with(dead_letter_ending)) return {};
    return std::string(queue).append(dead_letter_ending);
}

Result<> SqsQueues::check_name(std::string_view name) const {
    if (auto checked = aws::check_queue_name(name); !checked) return checked;
    if (name.size() > sqs_queue_name_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "queue name {} has {} characters, SQS takes {}",
                in_quotes(name),
                name.size(),
                sqs_queue_name_max
            )
        );
    }
    if (url_.queue.empty() || url_.queue == name) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "queue is {}, but the URL of the store names {} only", in_quotes(name), url_.queue
        )
    );
}

Result<aws::Json> SqsQueues::attributes(std::string_view name) {
    aws::Json names;
    names.push("All");
    aws::Json input;
    input.set("QueueUrl", url_.queue_url(name)).set("AttributeNames", std::move(names));
    const auto answer = endpoint_.call({.action = "GetQueueAttributes", .input = input});
    if (answer) return (*answer)["Attributes"];
    const Error& error = answer.error();
    if (error.code() != Errc::not_found) return std::unexpected(error);
    return fail(Errc::not_found, fmt::format("there is no queue {}: {}", name, error.message()));
}

Result<SqsQueueHandle> SqsQueues::look_up(std::string_view name) {
    SqsQueueHandle old;
    {
        const std::lock_guard lock(mutex_);
        const auto found = known_.find(name);
        if (found != known_.end()) {
            if (clock_.now() < found->second.until) return found->second.queue;
            old = found->second.queue;
        }
    }
    auto all = attributes(name);
    if (!all) {
        const Errc code = all.error().code();
        if (old && code != Errc::not_found) return old;  // it will hardly have changed
        // Whoever may only send or receive may not ask.
        if (code != Errc::permission_denied) return std::unexpected(all.error());
        all = aws::Json();
    }
    auto queue = read_sqs_queue(name, *all);
    queue->url = url_.queue_url(name);
    const auto bound = url_.dead_letter_queues.find(name);
    if (bound != url_.dead_letter_queues.end()) queue->dead_letter_queue = bound->second;
    if (queue->fifo || url_.endpoint.is_aws()) queue->group_ids = GroupIds::kept;
    const std::lock_guard lock(mutex_);
    Known& known = known_[queue->name];
    if (known.queue) queue->group_ids = known.queue->group_ids.load();
    known = {.queue = queue, .until = clock_.now() + remembered_for};
    return known.queue;
}

void SqsQueues::forget(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(name);
    if (found != known_.end()) known_.erase(found);
}

Result<SqsQueueHandle> SqsQueues::get(std::string_view name) {
    if (auto checked = check_name(name); !checked) return std::unexpected(checked.error());
    return look_up(name);
}

Result<SqsQueueHandle> SqsQueues::get_or_make(std::string_view name) {
    auto queue = get(name);
    const bool missing = !queue && queue.error().code() == Errc::not_found;
    if (!missing) return queue;
    if (!url_.queue.empty()) {
        return fail(
            Errc::not_found,
            fmt::format(
                "{}; queues are only made by a store whose URL names none", queue.error().message()
            )
        );
    }
    if (name.ends_with(fifo_ending)) {
        return fail(
            Errc::unsupported,
            fmt::format(
                "queue {} is not there, and FIFO queues are not made for jobs: make it yourself, "
                "or use a name without .fifo",
                name
            )
        );
    }
    return make(name);
}

Result<SqsQueueHandle> SqsQueues::make(std::string_view name) {
    const std::string dead_letters = dead_letter_name(name);
    if (dead_letters.size() > sqs_queue_name_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "queue name {} leaves no room for that of its dead-letter queue, expected {} "
                "characters or less",
                in_quotes(name),
                sqs_queue_name_max - dead_letter_ending.size()
            )
        );
    }
    std::string arn;
    if (!dead_letters.empty()) {
        if (auto created = create(dead_letters, {}); !created) {
            return std::unexpected(created.error());
        }
        const auto all = attributes(dead_letters);
        if (!all) return std::unexpected(all.error());
        arn = (*all)["QueueArn"].text();
    }
    if (auto created = create(name, arn); !created) return std::unexpected(created.error());
    forget(name);
    return look_up(name);
}

Result<> SqsQueues::create(std::string_view name, std::string_view dead_letter_arn) {
    aws::Json attributes;
    attributes.set("MessageRetentionPeriod", fmt::to_string(sqs_retention_max.count()));
    if (!dead_letter_arn.empty()) {
        aws::Json policy;
        policy.set("deadLetterTargetArn", dead_letter_arn)
            .set("maxReceiveCount", fmt::to_string(sqs_max_receives));
        attributes.set("RedrivePolicy", policy.dump());
    }
    aws::Json input;
    input.set("QueueName", name).set("Attributes", std::move(attributes));
    const auto answer = endpoint_.call({.action = "CreateQueue", .input = input});
    // Somebody was faster, and chose other attributes.
    if (answer || answer.error().code() == Errc::already_exists) return {};
    return fail(
        answer.error().code(),
        fmt::format("queue {} is not there and cannot be made: {}", name, answer.error().message())
    );
}

Result<SqsQueueHandle> SqsQueues::get_dead_letter_queue(const SqsQueue& queue) {
    if (!queue.dead_letter_queue.empty()) return look_up(queue.dead_letter_queue);
    const std::string name = dead_letter_name(queue.name);
    const auto none = [&](std::string_view why) {
        return fail(
            Errc::unsupported,
            fmt::format(
                "queue {} has no dead-letter queue to keep a dead job in, {}", queue.name, why
            )
        );
    };
    if (name.empty() || name.size() > sqs_queue_name_max) {
        return none("expected one in its RedrivePolicy");
    }
    auto found = look_up(name);
    if (found || found.error().code() != Errc::not_found) return found;
    if (queue.fifo || !url_.queue.empty()) {
        return none(fmt::format("expected a RedrivePolicy or a queue {}", name));
    }
    if (auto created = create(name, {}); !created) return none(created.error().message());
    forget(name);
    return look_up(name);
}

Result<QueueStats> SqsQueues::stats(std::string_view name) {
    if (auto checked = check_name(name); !checked) return std::unexpected(checked.error());
    const auto all = attributes(name);
    if (!all) return std::unexpected(all.error());
    return QueueStats{
        .queue = std::string(name),
        .pending = count_in(*all, "ApproximateNumberOfMessages"),
        .scheduled = count_in(*all, "ApproximateNumberOfMessagesDelayed"),
        .processing = count_in(*all, "ApproximateNumberOfMessagesNotVisible"),
        .dead_letter_queue = read_sqs_queue(name, *all)->dead_letter_queue,
    };
}

Result<std::vector<std::string>> SqsQueues::names() {
    if (!url_.queue.empty()) return std::vector{url_.queue};
    return all_names();
}

std::string SqsQueues::suggest(std::string_view name) {
    const auto names = all_names();
    if (!names) return {};
    const std::vector<std::string_view> candidates(names->begin(), names->end());
    return did_you_mean(name, candidates);
}

Result<std::vector<std::string>> SqsQueues::all_names() {
    std::vector<std::string> names;
    std::string token;
    do {
        aws::Json input;
        input.set("MaxResults", list_page_max);
        if (!token.empty()) input.set("NextToken", token);
        const auto answer = endpoint_.call({.action = "ListQueues", .input = input});
        if (!answer) return std::unexpected(answer.error());
        for (const aws::Json& url : (*answer)["QueueUrls"].items()) {
            names.push_back(aws::queue_name_of_url(url.text()));
        }
        token = (*answer)["NextToken"].text();
    } while (!token.empty());
    std::ranges::sort(names);
    return names;
}

}  // namespace tranter::providers
