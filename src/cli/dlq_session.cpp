#include "cli/dlq_session.hpp"

#include "cli/config_file.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_session.hpp"
#include "cli/message_record.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::string_view sqs_scheme = "sqs:";

bool names_endpoint(const Arguments& arguments, std::string_view queue) {
    for (const std::string_view name : {"endpoint", "aws", "region", "profile"}) {
        if (arguments.has(name)) return true;
    }
    return is_queue_url(queue) || parse_queue_arn(queue).has_value();
}

/// Whether nothing names a store of jobs, and the environment an SQS endpoint.
bool means_sqs(const Arguments& arguments) {
    if (arguments.has("provider") || arguments.has("config")) return false;
    const char* url = process_environment()("TRANTER_SQS_URL");
    return url != nullptr && *url != '\0';
}

Result<std::unique_ptr<DeadLetterStore>> open_endpoint(
    const Arguments& arguments, std::string_view queue
) {
    const auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    return sqs_dead_letters(std::make_shared<SqsClient>(std::move((*session)->client)), queue);
}

Result<std::unique_ptr<DeadLetterStore>> open_letters(
    const Arguments& arguments, std::string_view queue
) {
    if (names_endpoint(arguments, queue) || means_sqs(arguments)) {
        return open_endpoint(arguments, queue);
    }
    const auto url = choose_provider(arguments);
    if (!url) return std::unexpected(url.error());
    if (url->starts_with(sqs_scheme)) return sqs_dead_letters(*url);
    auto provider = open_provider(*url, {.create = false});
    if (!provider) return std::unexpected(provider.error());
    return job_dead_letters(std::move(*provider));
}

}  // namespace

DlqSession::DlqSession(
    std::unique_ptr<DeadLetterStore> opened, Output::Options options, bool relative_times
)
    : store(std::move(opened)),
      output([&] {
          options.progress = &progress;
          return options;
      }()),
      times{
          .relative = output.is_table() && relative_times,
          .now =
              std::chrono::time_point_cast<TimePoint::duration>(std::chrono::system_clock::now())} {
}

Result<std::unique_ptr<DlqSession>> DlqSession::open(
    const Arguments& arguments, std::string_view queue
) {
    auto store = open_letters(arguments, queue);
    if (!store) return std::unexpected(store.error());
    return std::make_unique<DlqSession>(
        std::move(*store), stdout_options(arguments), arguments.find("time") != "iso"
    );
}

Result<int> DlqSession::print(
    const LetterQuery& query,
    std::vector<Column> columns,
    const std::function<Result<Json>(const DeadLetter&)>& row_of
) {
    output.begin(std::move(columns));
    std::uint64_t shown = 0;
    const auto walked =
        store->walk(query, [&](std::span<const DeadLetter> letters) -> Result<bool> {
            for (const DeadLetter& letter : letters) {
                auto row = row_of(letter);
                if (!row) return std::unexpected(row.error());
                output.row(std::move(*row));
            }
            progress.update(shown += letters.size());
            return true;
        });
    if (!walked) return std::unexpected(walked.error());
    progress.stop();
    output.end();
    if (shown > 0) say_what_looking_costs();
    return 0;
}

void DlqSession::say_what_looking_costs() {
    if (!store->receives_to_look()) return;
    progress.hide();
    say("SQS has no way to look: each message was received, which its receive count shows, and is "
        "visible again");
}

std::string dead_letter_queue_name(std::string_view queue) {
    if (const auto arn = parse_queue_arn(queue)) return arn->name;
    return is_queue_url(queue) ? queue_name_of_url(queue) : std::string(queue);
}

std::vector<Option> with_dlq_options(std::vector<Option> own) {
    for (const std::vector<Option>& shared :
         {with_provider_options({}), with_connection_options({})}) {
        for (const Option& option : shared) {
            // Both have --output.
            if (std::ranges::find(own, option.name, &Option::name) == own.end()) {
                own.push_back(option);
            }
        }
    }
    return own;
}

std::vector<Option> letter_filter_options() {
    return {
        {.name = "type", .value = "TYPE", .help = "only of this type"},
        {.name = "error", .value = "TEXT", .help = "only with these words in their error"},
        {.name = "older", .value = "DURATION", .help = "only what died so long ago or earlier"},
        {.name = "newer", .value = "DURATION", .help = "only what died so long ago or later"},
        {.name = "group", .value = "KEY", .help = "only of this group"},
        {.name = "tag", .value = "TAG", .help = "only with this tag", .repeated = true},
        {.name = "filter",
         .value = "TEXT",
         .help = "words and terms, as for `job list`: args.user.id:42 \"no route\""},
    };
}

Result<LetterQuery> read_letter_query(const Arguments& arguments) {
    LetterQuery query{
        .queue = dead_letter_queue_name(arguments.text("QUEUE")),
        .filter = job_filter(arguments),
        .ids = arguments.list("ID")};
    const auto add = [&query](std::string_view term, const std::string& value) {
        if (!query.filter.empty()) query.filter += ' ';
        query.filter.append(term).append(value);
    };
    for (const auto& [name, term] : {std::pair("older", "age>"), std::pair("newer", "age<")}) {
        const auto age = arguments.duration(name);
        if (!age) return std::unexpected(age.error());
        if (*age) add(term, arguments.text(name));
    }
    if (const auto error = arguments.find("error")) add("error:", search_value(*error));
    if (!query.ids.empty() && !query.filter.empty()) {
        return fail(Errc::invalid_argument, "ids and a filter are both given, expected one");
    }
    return query;
}

Json letter_row(const DeadLetter& letter, const TimeStyle& style) {
    Json record = job_record(letter.job, style);
    record.set("error", error_of(letter.job));
    if (letter.message.is_null()) return record;
    const Json message = message_record(letter.message);
    for (const std::string_view name : {"message_id", "body", "receive_count", "attributes"}) {
        if (!message[name].is_null()) record.set(name, message[name]);
    }
    return record;
}

std::vector<Column> letter_columns() {
    return {
        {"id", "ID"},
        {"type", "TYPE"},
        {"queue", "FROM"},
        {"attempt", "ATTEMPT"},
        {"created_at", "CREATED", true},
        {"finished_at", "DIED"},
        {"group", "GROUP", true},
        {"tags", "TAGS", true},
        {"state", "STATE", true},
        {"error", "ERROR"},
        {"payload", "PAYLOAD"},
    };
}

}  // namespace tranter::cli
