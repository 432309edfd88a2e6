#include "cli/dlq_sqs_letter.hpp"

#include "history/query.hpp"
#include "history/record_match.hpp"
#include "jobs/job_json.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace tranter::cli {

using providers::SqsDelivery;
using providers::SqsMessage;

namespace {

/// `{"attempt":3,"type":"...","text":"..."}`
void read_error(const SqsMessage& message, JobRecord& job) {
    const auto error = Json::parse(message.text(providers::sqs_attribute::error));
    if (!error) return;
    AttemptFailure failure{
        .attempt =
            static_cast<std::uint32_t>(std::max<std::int64_t>((*error)["attempt"].number(), 0)),
        .at = job.finished_at.value_or(job.created_at),
        .type = std::string((*error)["type"].text()),
        .text = std::string((*error)["text"].text())};
    job.reason = failure.text;
    job.attempt = failure.attempt;
    job.failures.push_back(std::move(failure));
}

}  // namespace

Result<std::unique_ptr<LetterFilter>> LetterFilter::read(const LetterQuery& query) {
    const auto now =
        std::chrono::time_point_cast<Instant::duration>(std::chrono::system_clock::now());
    auto parsed = history::parse_job_query(query.filter, Instant(now.time_since_epoch()));
    if (!parsed) return std::unexpected(parsed.error());
    return std::unique_ptr<LetterFilter>(new LetterFilter(query, parsed->filter));
}

bool LetterFilter::matches(const DeadLetter& letter) const {
    const JobRecord& job = letter.job;
    if (!ids_.empty() && !ids_.contains(job.id) &&
        !ids_.contains(std::string(letter.message["MessageId"].text()))) {
        return false;
    }
    const Instant died(job.finished_at.value_or(job.created_at).time_since_epoch());
    if (filter_.finished_from && died < *filter_.finished_from) return false;
    if (filter_.finished_before && died >= *filter_.finished_before) return false;
    return matcher_.matches(history::comparable(job));
}

TimePoint letter_sent_at(const Json& message) {
    return TimePoint(Milliseconds(message["Attributes"]["SentTimestamp"].number()));
}

DeadLetter letter_of_message(
    const Json& message, const providers::SqsJobRules& rules, const std::string& source
) {
    const SqsDelivery delivery = providers::read_sqs_delivery(message);
    const auto read = providers::job_of_delivery(delivery, rules);
    DeadLetter letter{.message = message};
    JobRecord& job = letter.job;
    if (read) {
        job.id = read->id;
        job.type = read->type;
        job.payload = read->payload;
        job.options = read->options;
        job.created_at = read->created_at;
    } else {
        // Nobody can run it, so its words are all there is.
        job.id = delivery.message_id;
        job.type = delivery.message.text(jobs::type_attribute);
        job.payload = Json(delivery.message.body).dump();
        job.created_at = delivery.sent_at;
        job.reason = read.error().message();
    }
    job.state = JobState::dead;
    job.attempt = delivery.receive_count;
    // A worker sends a dead job anew, SQS itself keeps the time of the first send.
    if (!delivery.message.text(providers::sqs_attribute::queue).empty()) {
        job.finished_at = delivery.sent_at;
    }
    job.queue = delivery.message.text(providers::sqs_attribute::queue);
    if (job.queue.empty()) {
        const std::string_view arn = message["Attributes"]["DeadLetterQueueSourceArn"].text();
        if (const auto parsed = parse_queue_arn(arn)) job.queue = parsed->name;
    }
    if (job.queue.empty()) job.queue = source;
    read_error(delivery.message, job);
    return letter;
}

SqsMessage message_again(const LetterReplay& replay, const providers::SqsQueue& to) {
    const SqsDelivery delivery = providers::read_sqs_delivery(replay.letter->message);
    SqsMessage copy = delivery.message;
    const bool is_job =
        !copy.text(jobs::type_attribute).empty() || !copy.text(jobs::options_attribute).empty();
    for (const std::string_view name :
         {providers::sqs_attribute::error,
          providers::sqs_attribute::queue,
          providers::sqs_attribute::attempts}) {
        copy.erase(name);
    }
    if (is_job && copy.text(providers::sqs_attribute::id).empty()) {
        copy.set_text(providers::sqs_attribute::id, replay.letter->job.id);
        const bool fits = copy.fits(providers::GroupIds::maybe_kept, to.message_bytes_max);
        if (!fits) copy.erase(providers::sqs_attribute::id);
    }
    if (replay.payload) copy.body = providers::sqs_json(*replay.payload);
    if (to.fifo) {
        copy.deduplication_id =
            providers::sqs_opaque_id(delivery.message_id + replay.payload.value_or(""));
        if (copy.group.empty()) copy.group = delivery.message_id;
    }
    return copy;
}

}  // namespace tranter::cli
