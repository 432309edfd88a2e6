#include "cli/message_send.hpp"

#include "base/unicode.hpp"
#include "cli/input.hpp"
#include "cli/outgoing_message.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

namespace tranter::cli {

namespace {

constexpr std::size_t batch_entries_max = 10;
// The total of a batch that every server takes; AWS took no more until 2025.
constexpr std::size_t batch_bytes_max = 262144;
// Of a hundred thousand refused lines the first few tell what is wrong.
constexpr std::uint64_t failures_shown_max = 10;

/// Collects messages into batches and sends each when it is full.
class BulkSender {
  public:
    BulkSender(Session& session, std::string url) : session_(session), url_(std::move(url)) {}

    std::uint64_t sent() const { return sent_; }
    std::uint64_t failed() const { return failed_; }

    /// Fails when the request fails as a whole; a refused entry only counts.
    Result<> add(std::uint64_t line, const Json& message) {
        const std::size_t bytes = message.dump().size();
        if (lines_.size() == batch_entries_max || bytes_ + bytes > batch_bytes_max) {
            if (auto done = flush(); !done) return done;
        }
        Json entry;
        entry.set("Id", fmt::to_string(lines_.size()));
        for (const JsonMember& member : message.members()) {
            entry.set(member.name, member.value);
        }
        entries_.push(std::move(entry));
        lines_.push_back(line);
        bytes_ += bytes;
        return {};
    }

    Result<> flush() {
        if (lines_.empty()) return {};
        Json input;
        input.set("QueueUrl", url_).set("Entries", std::exchange(entries_, {}));
        const std::vector<std::uint64_t> lines = std::exchange(lines_, {});
        bytes_ = 0;
        const auto answer = session_.client.call("SendMessageBatch", input);
        if (!answer) {
            return fail(
                answer.error().code(),
                fmt::format(
                    "lines {} to {}: {}; {} were sent before",
                    lines.front(),
                    lines.back(),
                    answer.error().message(),
                    sent_
                )
            );
        }
        const Json::Array& failures = (*answer)["Failed"].items();
        for (const Json& failure : failures) {
            report(lines, failure);
        }
        sent_ += lines.size() - failures.size();
        session_.progress.update(sent_);
        return {};
    }

  private:
    Session& session_;
    std::string url_;
    Json entries_{};
    std::vector<std::uint64_t> lines_{};  // of entries_
    std::size_t bytes_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t failed_ = 0;

    void report(const std::vector<std::uint64_t>& lines, const Json& failure) {
        ++failed_;
        if (failed_ > failures_shown_max) return;
        const auto entry = static_cast<std::size_t>(failure["Id"].number());
        session_.progress.hide();
        say(fmt::format(
            "line {}: {}: {}",
            entry < lines.size() ? lines[entry] : 0,
            failure["Code"].text(),
            failure["Message"].text()
        ));
        if (failed_ == failures_shown_max) say("further refused lines are only counted");
    }
};

Result<int> send_lines(const Arguments& arguments, const SendOptions& options, bool as_json) {
    auto input = Input::open(arguments.find("BODY").value_or("-"));
    if (!input) return std::unexpected(input.error());
    const std::string queue = arguments.text("QUEUE");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    const auto url = (*session)->client.queue_url(queue);
    if (!url) return std::unexpected(url.error());
    (*session)->progress.start("sending");

    BulkSender sender(**session, *url);
    LineReader reader(input->fd(), input->name());
    std::string line;
    for (std::uint64_t number = 1; reader.next(line); ++number) {
        if (line.empty()) continue;
        const auto message =
            as_json ? outgoing_message_of_line(options, line) : outgoing_message(options, line);
        if (!message) {
            // What was read before the bad line is sent: the line number says where to go on.
            auto flushed = sender.flush();
            if (!flushed) return std::unexpected(flushed.error());
            return fail(
                message.error().code(),
                fmt::format(
                    "line {}: {}; {} were sent before",
                    number,
                    message.error().message(),
                    sender.sent()
                )
            );
        }
        if (auto added = sender.add(number, *message); !added) {
            return std::unexpected(added.error());
        }
    }
    if (auto flushed = sender.flush(); !flushed) return std::unexpected(flushed.error());
    (*session)->progress.stop();
    Json record;
    record.set("sent", sender.sent()).set("failed", sender.failed());
    (*session)->output.one(record);
    return sender.failed() == 0 ? 0 : 1;
}

Result<int> send_one(const Arguments& arguments, const SendOptions& options) {
    std::string body = arguments.text("BODY");
    if (names_input(body)) {
        const auto input = Input::open(body);
        if (!input) return std::unexpected(input.error());
        body = read_all(input->fd(), input->name());
    }
    auto message = outgoing_message(options, body);
    if (!message) return std::unexpected(message.error());
    const std::string queue = arguments.text("QUEUE");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("sending");
    const auto url = client.queue_url(queue);
    if (!url) return std::unexpected(url.error());
    message->set("QueueUrl", *url);
    const auto answer = client.call("SendMessage", *message);
    if (!answer) return std::unexpected(answer.error());
    progress.stop();
    Json record;
    record.set("message_id", (*answer)["MessageId"]).set("body_md5", (*answer)["MD5OfMessageBody"]);
    if (const Json& sequence = (*answer)["SequenceNumber"]; !sequence.is_null()) {
        record.set("sequence_number", sequence);
    }
    output.one(record);
    return 0;
}

Result<int> send(const Arguments& arguments) {
    const auto options = read_send_options(arguments);
    if (!options) return std::unexpected(options.error());
    const bool lines = arguments.is_on("lines");
    const bool as_json = arguments.is_on("ndjson");
    const auto body = arguments.find("BODY");
    if (!lines && !as_json) {
        if (body) return send_one(arguments, *options);
        return fail(Errc::invalid_argument, "BODY is missing, expected a text, '-' or '@FILE'");
    }
    if (lines && as_json) {
        return fail(Errc::invalid_argument, "--lines and --ndjson are both given, expected one");
    }
    if (body && !names_input(*body)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("BODY is {}, expected '-' or '@FILE' with --lines", in_quotes(*body))
        );
    }
    if (options->dedup_id) {
        return fail(
            Errc::invalid_argument,
            "--dedup-id would make all lines duplicates of the first, expected \"dedup_id\" in "
            "each line of --ndjson"
        );
    }
    return send_lines(arguments, *options, as_json);
}

}  // namespace

Command message_send_command() {
    return {
        .name = "send",
        .summary = "send a message, or one for each line of a file",
        .description =
            "BODY is the text itself, '-' for all of stdin or '@FILE' for all of a file. With "
            "--lines\neach line is a message, with --ndjson each line is an object with body and "
            "optionally\nattributes, group, dedup_id and delay, as `message receive -o ndjson` "
            "prints them.\nLines are sent in batches of ten; empty ones are skipped.",
        .positionals =
            {{.name = "QUEUE", .help = "name, URL or ARN of the queue"},
             {.name = "BODY",
              .help = "text, '-' or '@FILE' (default with --lines and --ndjson: '-')",
              .required = false,
              .completes = Completes::files}},
        .options = with_connection_options(
            {{.name = "lines", .value = "", .help = "one message per line"},
             {.name = "ndjson", .value = "", .help = "one JSON object per line"},
             {.name = "attribute",
              .value = "NAME=VALUE[:TYPE]",
              .help = "message attribute; TYPE is String, Number or Binary (base64)",
              .repeated = true},
             {.name = "group", .value = "ID", .help = "message group; FIFO queues need one"},
             {.name = "dedup-id", .value = "ID", .help = "de-duplication id, FIFO queues only"},
             {.name = "delay", .value = "DURATION", .help = "hide the message for so long"}}
        ),
        .examples =
            {{"one message",
              "tranter message send orders '{\"order\": 1}' --attribute try=1:Number"},
             {"a file of messages", "tranter message send orders @orders.txt --lines"},
             {"copy a queue",
              "tranter message receive a --max 1000 --delete -o ndjson | "
              "tranter message send b --ndjson"}},
        .run = send,
    };
}

}  // namespace tranter::cli
