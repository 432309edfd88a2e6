#include "cli/message_receive.hpp"

#include "cli/message_record.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tranter::cli {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::int64_t per_call_max = 10;
constexpr seconds long_poll_max(20);
constexpr std::int64_t visibility_timeout_max = 43200;

struct ReceiveOptions {
    std::int64_t max = 1;
    Duration wait{};
    std::optional<std::int64_t> visibility_timeout{};
    bool remove = false;
};

Result<ReceiveOptions> read_options(const Arguments& arguments) {
    const auto max = arguments.integer("max", {.min = 1});
    if (!max) return std::unexpected(max.error());
    const auto wait = arguments.duration("wait");
    if (!wait) return std::unexpected(wait.error());
    const auto timeout = arguments.seconds("visibility-timeout");
    if (!timeout) return std::unexpected(timeout.error());
    if (*timeout && **timeout > visibility_timeout_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("--visibility-timeout is {} s, the limit is 12h", **timeout)
        );
    }
    return ReceiveOptions{
        .max = max->value_or(1),
        .wait = wait->value_or(Duration::zero()),
        .visibility_timeout = *timeout,
        .remove = arguments.is_on("delete"),
    };
}

/// Deletes deliveries in batches. Returns how many were refused, having said why.
Result<std::uint64_t> delete_batch(
    SqsClient& client, const std::string& url, const std::vector<std::string>& receipts
) {
    std::uint64_t failed = 0;
    for (std::size_t first = 0; first < receipts.size(); first += per_call_max) {
        const std::size_t end = std::min<std::size_t>(first + per_call_max, receipts.size());
        Json entries;
        for (std::size_t i = first; i < end; ++i) {
            Json entry;
            entry.set("Id", fmt::to_string(i)).set("ReceiptHandle", receipts[i]);
            entries.push(std::move(entry));
        }
        Json input;
        input.set("QueueUrl", url).set("Entries", std::move(entries));
        const auto answer = client.call("DeleteMessageBatch", input);
        if (!answer) return std::unexpected(answer.error());
        for (const Json& failure : (*answer)["Failed"].items()) {
            ++failed;
            say(fmt::format(
                "message {} was not deleted: {}: {}",
                failure["Id"].number() + 1,
                failure["Code"].text(),
                failure["Message"].text()
            ));
        }
    }
    return failed;
}

class Receiver {
  public:
    Receiver(Session& session, std::string url, ReceiveOptions options)
        : session_(session), url_(std::move(url)), options_(options) {}

    /// Receives until there are enough, or none for the waiting time.
    Result<int> run() {
        session_.output.begin(message_columns());
        session_.progress.start("receiving");
        const auto deadline = steady_clock::now() + options_.wait;
        while (received_ < options_.max) {
            const auto left = std::chrono::ceil<seconds>(deadline - steady_clock::now());
            // Once something came, what is there is taken and nothing is waited for.
            const bool waiting = received_ == 0 && left > seconds::zero();
            const seconds wait = waiting ? std::min(left, long_poll_max) : seconds::zero();
            const auto answer = session_.client.call("ReceiveMessage", request(wait), wait);
            if (!answer) return std::unexpected(answer.error());
            const Json::Array& messages = (*answer)["Messages"].items();
            if (messages.empty() && !waiting) break;
            if (auto taken = take(messages); !taken) return std::unexpected(taken.error());
        }
        session_.progress.stop();
        session_.output.end();
        if (auto removed = remove_printed(); !removed) return std::unexpected(removed.error());
        if (received_ == 0 && is_terminal(2)) say("no messages");
        return failed_ == 0 ? 0 : 1;
    }

  private:
    Session& session_;
    std::string url_;
    ReceiveOptions options_;
    std::int64_t received_ = 0;
    std::uint64_t failed_ = 0;
    std::vector<std::string> printed_{};  // receipts to delete

    Json request(seconds wait) const {
        Json all;
        all.push("All");
        Json input;
        input.set("QueueUrl", url_)
            .set("MaxNumberOfMessages", std::min(options_.max - received_, per_call_max))
            .set("WaitTimeSeconds", wait.count())
            .set("AttributeNames", all)
            .set("MessageAttributeNames", all);
        if (options_.visibility_timeout) {
            input.set("VisibilityTimeout", *options_.visibility_timeout);
        }
        return input;
    }

    Result<> take(const Json::Array& messages) {
        for (const Json& message : messages) {
            session_.output.row(message_record(message));
            if (options_.remove) printed_.emplace_back(message["ReceiptHandle"].text());
        }
        received_ += static_cast<std::int64_t>(messages.size());
        session_.progress.update(static_cast<std::uint64_t>(received_));
        session_.output.flush();
        // A table is printed at the end, and what is not printed is not deleted.
        if (session_.output.is_table()) return {};
        return remove_printed();
    }

    Result<> remove_printed() {
        const std::vector<std::string> receipts = std::exchange(printed_, {});
        const auto failed = delete_batch(session_.client, url_, receipts);
        if (!failed) return std::unexpected(failed.error());
        failed_ += *failed;
        return {};
    }
};

Result<int> receive(const Arguments& arguments) {
    const auto options = read_options(arguments);
    if (!options) return std::unexpected(options.error());
    const std::string queue = arguments.text("QUEUE");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    const auto url = (*session)->client.queue_url(queue);
    if (!url) return std::unexpected(url.error());
    return Receiver(**session, *url, *options).run();
}

Result<int> remove(const Arguments& arguments) {
    const std::string queue = arguments.text("QUEUE");
    const std::vector<std::string> receipts = arguments.list("RECEIPT");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("deleting");
    const auto url = client.queue_url(queue);
    if (!url) return std::unexpected(url.error());
    std::uint64_t failed = 0;
    if (receipts.size() == 1) {
        // Alone it is told apart by its error code.
        Json input;
        input.set("QueueUrl", *url).set("ReceiptHandle", receipts.front());
        const auto answer = client.call("DeleteMessage", input);
        if (!answer) return std::unexpected(answer.error());
    } else {
        const auto refused = delete_batch(client, *url, receipts);
        if (!refused) return std::unexpected(refused.error());
        failed = *refused;
    }
    progress.stop();
    Json record;
    record.set("deleted", receipts.size() - failed).set("failed", failed);
    output.one(record);
    return failed == 0 ? 0 : 1;
}

}  // namespace

Command message_receive_command() {
    return {
        .name = "receive",
        .summary = "receive messages, which hides them from other consumers for a while",
        .description =
            "Prints nothing and succeeds when there are none. With --delete a message is deleted "
            "after\nit was printed, so nothing is lost when the reader of a pipe goes away. A "
            "table does not show\nreceipt handles and attributes; -o json does.",
        .positionals = {{.name = "QUEUE", .help = "name, URL or ARN of the queue"}},
        .options = with_connection_options(
            {{.name = "max", .value = "N", .help = "how many at most (default: 1)"},
             {.name = "wait",
              .value = "DURATION",
              .help = "how long to wait for the first message (default: 0s)"},
             {.name = "visibility-timeout",
              .value = "DURATION",
              .help = "how long they stay hidden (default: what the queue says)"},
             {.name = "delete", .value = "", .help = "delete each message once it is printed"}}
        ),
        .examples =
            {{"wait for one message", "tranter message receive orders --wait 1m"},
             {"empty a queue into a file",
              "tranter message receive orders --max 100000 --delete -o ndjson > orders.ndjson"}},
        .run = receive,
    };
}

Command message_delete_command() {
    return {
        .name = "delete",
        .summary = "delete received messages by their receipt handles",
        .description = "Write -- in front of a receipt handle that may start with a dash.",
        .positionals =
            {{.name = "QUEUE", .help = "name, URL or ARN of the queue"},
             {.name = "RECEIPT", .help = "receipt handles of `message receive`", .repeated = true}},
        .options = with_connection_options({}),
        .examples =
            {{"receive, then delete",
              "tranter message delete orders -- "
              "\"$(tranter message receive orders -o json | jq -r '.[0].receipt_handle')\""}},
        .run = remove,
    };
}

}  // namespace tranter::cli
