#include "providers/broker_finished.hpp"

#include "jobs/job_json.hpp"
#include "providers/broker_job_codec.hpp"
#include "providers/broker_note.hpp"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>

namespace tranter::providers {
namespace {

std::size_t bytes_of(const FinishedJob& job) {
    std::size_t bytes = sizeof(FinishedJob) + job.message.payload.size() + job.message.note.size();
    bytes += job.result.size() + job.reason.size();
    if (job.notes) bytes += job.notes->progress.size();
    return bytes;
}

const engine::MessageId& id_of(const FinishedJob& job) {
    return job.message.payload.id();
}

}  // namespace

FinishedJobs::FinishedJobs(
    std::string queue, broker::SettingsSnapshot settings, std::vector<FinishedJob> jobs
)
    : queue_(std::move(queue)), settings_(std::move(settings)), jobs_(std::move(jobs)) {
    for (const FinishedJob& job : jobs_) {
        bytes_ += bytes_of(job);
        ends_ += job.state == history::State::failed ? 0 : 1;
    }
}

void FinishedJobs::append_to(std::vector<history::JobEntry>& out) const {
    for (const FinishedJob& job : jobs_) {
        if (job.message.payload.has_bytes()) out.push_back(entry_of(job, queue_, *settings_));
    }
}

std::optional<history::JobEntry> FinishedJobs::find(std::string_view id) const {
    const auto uuid = parse_uuid(id);
    if (!uuid) return std::nullopt;
    std::call_once(sorted_, [this] {
        by_id_.resize(jobs_.size());
        std::iota(by_id_.begin(), by_id_.end(), 0U);
        std::ranges::sort(by_id_, {}, [this](std::uint32_t position) {
            return std::pair(id_of(jobs_[position]), position);
        });
    });
    const auto same = std::ranges::equal_range(by_id_, *uuid, {}, [this](std::uint32_t position) {
        return id_of(jobs_[position]);
    });
    for (const std::uint32_t position : same | std::views::reverse) {
        const FinishedJob& job = jobs_[position];
        if (job.message.payload.has_bytes()) return entry_of(job, queue_, *settings_);
    }
    return std::nullopt;
}

history::JobEntry entry_of(
    const FinishedJob& job, std::string_view queue, const broker::QueueSettings& settings
) {
    const engine::MessageView& message = job.message;
    JobShape shape = read_shape(message.payload, message.group, settings);
    history::JobEntry entry;
    entry.id = format_uuid(message.payload.id());
    entry.queue = queue;
    entry.type = std::move(shape.type);
    entry.payload = read_payload(message.payload);
    entry.state = job.state;
    entry.attempt = message.receive_count;
    entry.attempts_max = shape.options.retry.max_attempts;
    entry.priority = static_cast<std::uint8_t>(shape.options.priority);
    entry.group = message.group;
    entry.tags = std::move(shape.options.tags);
    if (shape.options.dedup) entry.dedup_key = std::move(shape.options.dedup->key);
    entry.created = message.sent_at;
    entry.scheduled = job.due;
    if (message.received_at != Instant{}) entry.started = message.received_at;
    entry.finished = job.at;
    entry.result = job.result;
    for (AttemptFailure& failure : parse_note(message.note).failures) {
        entry.errors.push_back(
            {.attempt = failure.attempt,
             .at = to_instant(failure.at),
             .type = std::move(failure.type),
             .text = std::move(failure.text)}
        );
    }
    if (job.notes) {
        entry.progress = job.notes->progress;
        entry.log = job.notes->log;
    }
    entry.worker = job.worker;
    entry.reason = job.reason;
    entry.options = options_text(message.payload);
    return entry;
}

JobState state_of(history::State state) {
    switch (state) {
        case history::State::completed:
            return JobState::completed;
        case history::State::failed:
            return JobState::failed;
        case history::State::dead:
            return JobState::dead;
        case history::State::cancelled:
            break;
    }
    return JobState::cancelled;
}

JobRecord record_of(history::JobEntry entry) {
    JobRecord record;
    record.id = std::move(entry.id);
    record.queue = std::move(entry.queue);
    record.type = std::move(entry.type);
    record.payload = std::move(entry.payload);
    record.state = state_of(entry.state);
    record.attempt = entry.attempt;
    if (auto options = jobs::options_from_json(entry.options)) record.options = std::move(*options);
    record.options.group = std::move(entry.group);
    record.options.retry.max_attempts = entry.attempts_max;
    record.created_at = to_time_point(entry.created);
    if (entry.scheduled) record.run_at = to_time_point(*entry.scheduled);
    if (entry.started) record.started_at = to_time_point(*entry.started);
    record.finished_at = to_time_point(entry.finished);
    record.result = std::move(entry.result);
    for (history::AttemptError& error : entry.errors) {
        record.failures.push_back(
            {.attempt = error.attempt,
             .at = to_time_point(error.at),
             .type = std::move(error.type),
             .text = std::move(error.text)}
        );
    }
    record.progress = std::move(entry.progress);
    record.worker = std::move(entry.worker);
    record.reason = std::move(entry.reason);
    return record;
}

}  // namespace tranter::providers
