#include "providers/broker_finished.hpp"

#include "jobs/job_json.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_job_codec.hpp"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>

namespace tranter::providers {

FinishedJob finished_job(const engine::MessageView& message, history::State state, Instant at) {
    return {
        .payload = message.payload,
        .state = state,
        .receive_count = message.receive_count,
        .sent_at = message.sent_at,
        .received_at = message.received_at,
        .at = at,
        .group = message.group,
        .note = message.note};
}

void FinishedJobs::add(const FinishedJob& job) {
    if (job.notes) notes_.emplace_back(jobs_.size(), job.notes);
    const auto keep = [this](std::string_view text) {
        texts_.append(text);
        return static_cast<std::uint32_t>(text.size());
    };
    jobs_.push_back(
        {.payload = job.payload,
         .sent_at = job.sent_at,
         .received_at = job.received_at,
         .at = job.at,
         .due = job.due.value_or(Instant{}),
         .text = texts_.size(),
         .group_bytes = keep(job.group),
         .note_bytes = keep(job.note),
         .result_bytes = keep(job.result),
         .reason_bytes = keep(job.reason),
         .worker_bytes = keep(job.worker),
         .receive_count = job.receive_count,
         .state = job.state,
         .has_notes = job.notes != nullptr}
    );
    payload_bytes_ += job.payload.size();
    ends_ += job.state == history::State::failed ? 0 : 1;
}

std::size_t FinishedJobs::bytes() const {
    std::size_t bytes = jobs_.size() * sizeof(Kept) + texts_.size() + payload_bytes_;
    for (const auto& [position, notes] : notes_)
        bytes += notes->progress.size();
    return bytes;
}

FinishedJob FinishedJobs::job(std::size_t position) const {
    const Kept& kept = jobs_[position];
    std::string_view rest = std::string_view(texts_).substr(kept.text);
    const auto next = [&rest](std::uint32_t bytes) {
        const std::string_view text = rest.substr(0, bytes);
        rest.remove_prefix(bytes);
        return text;
    };
    FinishedJob job{
        .payload = kept.payload,
        .state = kept.state,
        .receive_count = kept.receive_count,
        .sent_at = kept.sent_at,
        .received_at = kept.received_at,
        .at = kept.at,
        .group = next(kept.group_bytes),
        .note = next(kept.note_bytes),
        .result = next(kept.result_bytes),
        .reason = next(kept.reason_bytes),
        .worker = next(kept.worker_bytes)};
    if (kept.due != Instant{}) job.due = kept.due;
    if (kept.has_notes) job.notes = notes_of(position);
    return job;
}

RunningNotesPtr FinishedJobs::notes_of(std::size_t position) const {
    const auto found =
        std::ranges::lower_bound(notes_, position, {}, [](const auto& one) { return one.first; });
    return found->second;
}

history::JobEntry FinishedJobs::entry(std::size_t position) const {
    return entry_of(job(position), queue_, *settings_);
}

void FinishedJobs::append_to(std::vector<history::JobEntry>& out) const {
    for (std::size_t position = 0; position < jobs_.size(); ++position) {
        if (jobs_[position].payload.has_bytes()) out.push_back(entry(position));
    }
}

std::optional<history::JobEntry> FinishedJobs::find(std::string_view id) const {
    const auto uuid = parse_uuid(id);
    if (!uuid) return std::nullopt;
    const auto id_at = [this](std::uint32_t position) -> const engine::MessageId& {
        return jobs_[position].payload.id();
    };
    std::call_once(sorted_, [this, &id_at] {
        by_id_.resize(jobs_.size());
        std::iota(by_id_.begin(), by_id_.end(), 0U);
        std::ranges::sort(by_id_, {}, [&id_at](std::uint32_t position) {
            return std::pair(id_at(position), position);
        });
    });
    const auto same = std::ranges::equal_range(by_id_, *uuid, {}, id_at);
    for (const std::uint32_t position : same | std::views::reverse) {
        if (jobs_[position].payload.has_bytes()) return entry(position);
    }
    return std::nullopt;
}

history::JobEntry entry_of(
    const FinishedJob& job, std::string_view queue, const broker::QueueSettings& settings
) {
    JobShape shape = read_shape(job.payload, job.group, settings);
    history::JobEntry entry;
    entry.id = format_uuid(job.payload.id());
    entry.queue = queue;
    entry.type = std::move(shape.type);
    entry.payload = read_payload(job.payload);
    entry.state = job.state;
    entry.attempt = job.receive_count;
    entry.attempts_max = shape.options.retry.max_attempts;
    entry.priority = static_cast<std::uint8_t>(shape.options.priority);
    entry.group = job.group;
    entry.tags = std::move(shape.options.tags);
    if (shape.options.dedup) entry.dedup_key = std::move(shape.options.dedup->key);
    entry.created = job.sent_at;
    entry.scheduled = job.due;
    if (job.received_at != Instant{}) entry.started = job.received_at;
    entry.finished = job.at;
    entry.result = job.result;
    for (AttemptFailure& failure : jobs::parse_note(job.note).failures) {
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
    entry.options = options_text(job.payload);
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
