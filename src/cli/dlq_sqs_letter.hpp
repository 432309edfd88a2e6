#pragma once

#include "cli/dlq_store.hpp"
#include "history/matcher.hpp"
#include "providers/sqs_job.hpp"
#include "providers/sqs_queues.hpp"

#include <memory>
#include <set>
#include <string>

/// Messages in a dead-letter queue of SQS: read as jobs, chosen, and as they were before.
namespace tranter::cli {

/// Compares what was received with what is asked for, by the rules of the history.
class LetterFilter {
  public:
    [[nodiscard]] static Result<std::unique_ptr<LetterFilter>> read(const LetterQuery& query);

    bool matches(const DeadLetter& letter) const;

  private:
    LetterFilter(const LetterQuery& query, const history::HistoryFilter& filter)
        : ids_(query.ids.begin(), query.ids.end()), filter_(filter), matcher_(filter) {}

    const std::set<std::string> ids_;
    const history::HistoryFilter filter_;
    const history::Matcher matcher_;
};

/// `source` is where it came from when it does not say so itself; may be empty.
DeadLetter letter_of_message(
    const Json& message, const providers::SqsJobRules& rules, const std::string& source
);

TimePoint letter_sent_at(const Json& message);

/// The message as it was before it died, for a queue that it is to be sent to.
providers::SqsMessage message_again(const LetterReplay& replay, const providers::SqsQueue& to);

}  // namespace tranter::cli
