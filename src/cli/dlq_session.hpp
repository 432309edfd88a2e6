#pragma once

#include "cli/dlq_store.hpp"
#include "cli/job_record.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// Everything a command over dead letters works with. Lives on one thread for the time of one
/// command.
class DlqSession {
  public:
    /// Where the letters are: at the SQS endpoint of --endpoint, --aws or a queue given as URL or
    /// ARN; in the store of --provider, $TRANTER_URL or --config; at $TRANTER_SQS_URL; on the
    /// server of this machine.
    static Result<std::unique_ptr<DlqSession>> open(
        const Arguments& arguments, std::string_view queue = {}
    );

    // Neither copyable nor movable: output refers to progress.
    DlqSession(
        std::unique_ptr<DeadLetterStore> opened, Output::Options options, bool relative_times
    );
    DlqSession(const DlqSession&) = delete;
    DlqSession& operator=(const DlqSession&) = delete;

    Progress progress{};
    const std::unique_ptr<DeadLetterStore> store;
    Output output;
    const TimeStyle times;

    /// Prints each letter that matches as the row that is made of it.
    [[nodiscard]] Result<int> print(
        const LetterQuery& query,
        std::vector<Column> columns,
        const std::function<Result<Json>(const DeadLetter&)>& row_of
    );
    /// On stderr, when it is so, what looking costs here.
    void say_what_looking_costs();
};

/// The name in QUEUE, which may be a URL or an ARN.
std::string dead_letter_queue_name(std::string_view queue);

/// The options of every command over dead letters, behind its own.
std::vector<Option> with_dlq_options(std::vector<Option> own);

/// --type, --error, --older, --newer, --group, --tag and --filter.
std::vector<Option> letter_filter_options();
/// The same, and the ids behind QUEUE, as a query for the letters of a queue. `invalid_argument`
/// for ids beside a filter.
[[nodiscard]] Result<LetterQuery> read_letter_query(const Arguments& arguments);

/// A letter for people: the job, or the message as `message peek` shows it.
Json letter_row(const DeadLetter& letter, const TimeStyle& style);
std::vector<Column> letter_columns();

Command dlq_list_command();
Command dlq_peek_command();
Command dlq_show_command();
Command dlq_export_command();
Command dlq_replay_command();
Command dlq_purge_command();
Command dlq_redrive_command();

}  // namespace tranter::cli
