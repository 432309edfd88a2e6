#include "cli/dlq_session.hpp"
#include "cli/message_record.hpp"
#include "cli/terminal.hpp"
#include "jobs/wire_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::int64_t peek_limit_default = 10;

/// A letter as a line that enqueues or sends it again.
std::string export_line(const DeadLetter& letter) {
    if (letter.message.is_null()) {
        const NewJob job{
            .id = letter.job.id,
            .type = letter.job.type,
            .payload = letter.job.payload,
            .options = letter.job.options};
        // An array of one, of which a line is the only element.
        const std::string array = jobs::write_new_jobs(std::span(&job, 1));
        return array.substr(1, array.size() - 2);
    }
    const Json message = message_record(letter.message);
    Json line;
    for (const std::string_view name : {"body", "group", "attributes"}) {
        if (!message[name].is_null()) line.set(name, message[name]);
    }
    return line.dump();
}

Result<int> peek_letters(const Arguments& arguments) {
    const auto limit = arguments.integer("limit", {.min = 0});
    if (!limit) return std::unexpected(limit.error());
    auto query = read_letter_query(arguments);
    if (!query) return std::unexpected(query.error());
    query->letters_max = static_cast<std::size_t>(limit->value_or(peek_limit_default));
    const auto session = DlqSession::open(arguments, arguments.text("QUEUE"));
    if (!session) return std::unexpected(session.error());
    DlqSession& dlq = **session;
    dlq.progress.start("looking");
    return dlq.print(*query, letter_columns(), [&](const DeadLetter& letter) -> Result<Json> {
        return letter_row(letter, dlq.times);
    });
}

Result<std::optional<DeadLetter>> find_letter(DlqSession& dlq, const LetterQuery& query) {
    std::optional<DeadLetter> found;
    auto walked = dlq.store->walk(query, [&](std::span<const DeadLetter> letters) -> Result<bool> {
        found = letters.front();
        return false;
    });
    if (!walked) return std::unexpected(walked.error());
    return found;
}

Result<int> show_letter(const Arguments& arguments) {
    const std::string id = arguments.text("ID");
    const std::string queue = arguments.text("queue");
    const auto session = DlqSession::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    DlqSession& dlq = **session;
    if (dlq.store->receives_to_look() && queue.empty()) {
        return fail(
            Errc::invalid_argument, "SQS finds no message by its id alone, expected --queue NAME"
        );
    }
    dlq.progress.start("looking for it");
    const LetterQuery query{.queue = dead_letter_queue_name(queue), .ids = {id}};
    const auto found = find_letter(dlq, query);
    if (!found) return std::unexpected(found.error());
    dlq.say_what_looking_costs();
    if (!*found) {
        return fail(Errc::not_found, fmt::format("there is no message {} in queue {}", id, queue));
    }
    const DeadLetter& letter = **found;
    Json record = letter_row(letter, dlq.times);
    const auto log = dlq.store->log_of(letter);
    dlq.progress.stop();
    if (!log && log.error().code() != Errc::unsupported) return std::unexpected(log.error());
    const bool table = dlq.output.is_table();
    if (log && !table) {
        Json lines(Json::Array{});
        for (const std::string& line : log->lines)
            lines.push(line);
        record.set("log", std::move(lines)).set("log_dropped", log->dropped);
    }
    dlq.output.one(record);
    if (log && table) {
        for (const std::string& line : log->lines)
            dlq.output.line(line);
        dlq.output.flush();
    }
    return 0;
}

Result<int> export_letters(const Arguments& arguments) {
    const auto query = read_letter_query(arguments);
    if (!query) return std::unexpected(query.error());
    const auto session = DlqSession::open(arguments, arguments.text("QUEUE"));
    if (!session) return std::unexpected(session.error());
    DlqSession& dlq = **session;
    dlq.progress.start("exporting");
    std::uint64_t exported = 0;
    const auto walked =
        dlq.store->walk(*query, [&](std::span<const DeadLetter> letters) -> Result<bool> {
            std::string lines;
            for (const DeadLetter& letter : letters)
                lines += export_line(letter) + '\n';
            dlq.progress.hide();
            write_all(1, lines);
            dlq.progress.update(exported += letters.size());
            return true;
        });
    if (!walked) return std::unexpected(walked.error());
    dlq.progress.stop();
    if (exported > 0) dlq.say_what_looking_costs();
    say(fmt::format(
        "{} exported; `tranter {}` reads them",
        exported,
        dlq.store->receives_to_look() ? "message send QUEUE --ndjson" : "job enqueue QUEUE --bulk"
    ));
    return 0;
}

const Positional letter_queue{.name = "QUEUE", .help = "name of the dead-letter queue"};
const Positional letter_ids{
    .name = "ID", .help = "ids of jobs or messages", .required = false, .repeated = true};

}  // namespace

Command dlq_peek_command() {
    std::vector<Option> options = letter_filter_options();
    options.push_back(
        {.name = "limit", .value = "N", .help = "how many at most, 0 for all (default: 10)"}
    );
    return {
        .name = "peek",
        .summary = "look at the letters of a dead-letter queue",
        .description =
            "A store of jobs shows them and changes nothing. SQS can only hand messages out: each "
            "one that is\nlooked at counts as received once more, and is visible again at the end, "
            "or 2 minutes after\nthis command was killed.",
        .positionals = {letter_queue, letter_ids},
        .options = with_dlq_options(std::move(options)),
        .examples =
            {{"what failed", "tranter dlq peek mail-dlq"},
             {"what timed out in the last hour, with everything",
              "tranter dlq peek mail-dlq --error timeout --newer 1h --limit 0 -o ndjson"}},
        .run = peek_letters,
    };
}

Command dlq_show_command() {
    return {
        .name = "show",
        .summary = "show all that is known of a dead job: payload, failures, log",
        .positionals = {{.name = "ID", .help = "id of the job or message"}},
        .options = with_dlq_options({{
            .name = "queue",
            .value = "NAME",
            .help = "SQS: the dead-letter queue to look through",
        }}),
        .examples =
            {{"why it failed, each time", "tranter dlq show \"$ID\" -o json | jq .failures"}},
        .run = show_letter,
    };
}

Command dlq_export_command() {
    return {
        .name = "export",
        .summary = "print the letters of a dead-letter queue as JSON lines",
        .description =
            "Jobs as `job enqueue QUEUE --bulk` reads them, messages of SQS as `message send QUEUE "
            "--ndjson`\ndoes. They stay where they are.",
        .positionals = {letter_queue, letter_ids},
        .options = with_dlq_options(letter_filter_options()),
        .examples =
            {{"keep them, then clear the queue",
              "tranter dlq export mail-dlq > dead.ndjson && tranter dlq purge mail-dlq --yes"},
             {"to another server",
              "tranter dlq export mail-dlq | tranter job enqueue mail --bulk --provider "
              "http://other:9325"}},
        .run = export_letters,
    };
}

}  // namespace tranter::cli
