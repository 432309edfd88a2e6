#include "base/log_text.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

namespace tranter::providers {
namespace {

constexpr std::size_t shown_id_bytes_max = 64;

/// The entry of a job that ended so and not otherwise.
std::optional<history::JobEntry> find_ended(
    BrokerParts& parts, std::string_view id, history::State state
) {
    if (parts.history == nullptr) return std::nullopt;
    auto entry = parts.history->find(id);
    if (!entry || !*entry || (*entry)->state != state) return std::nullopt;
    return std::move(*entry);
}

std::string worker_of(BrokerParts& parts, const LiveJob& job) {
    const JobQueuePtr queue = parts.queues.of(job.queue);
    const WorkerTable::Access workers(queue->workers);
    return workers.name_of(job.message.slot, job.message.sequence);
}

}  // namespace

Result<Uuid> read_job_id(std::string_view id) {
    if (const auto uuid = parse_uuid(id)) return *uuid;
    return no_such_job(id);
}

std::unexpected<Error> no_such_job(std::string_view id) {
    return fail(
        Errc::not_found,
        fmt::format("there is no job {}", one_line(id.substr(0, shown_id_bytes_max)))
    );
}

std::optional<LiveJob> find_live(BrokerParts& parts, const Uuid& id) {
    for (const broker::QueueHandle& queue : parts.queues.all()) {
        auto message = parts.broker.find(queue, id);
        if (!message) continue;
        LiveJob job{.queue = queue, .message = std::move(*message)};
        job.dead_from = parts.queues.dead_from(*queue, job.message);
        return job;
    }
    return std::nullopt;
}

JobState live_state(const LiveJob& job) {
    using State = engine::MessageView::State;
    if (job.message.state == State::in_flight) return JobState::processing;
    if (!job.dead_from.empty()) return JobState::dead;
    if (job.message.state == State::visible) return JobState::pending;
    return job.message.receive_count > 0 ? JobState::failed : JobState::scheduled;
}

JobRecord record_of(BrokerParts& parts, const LiveJob& job) {
    if (live_state(job) == JobState::dead) {
        const std::string id = format_uuid(job.message.payload.id());
        if (auto entry = find_ended(parts, id, history::State::dead)) {
            return record_of(std::move(*entry));
        }
    }
    return record_of_message(parts, job);
}

JobRecord record_of_message(BrokerParts& parts, const LiveJob& job) {
    const engine::MessageView& message = job.message;
    const JobState state = live_state(job);
    JobRecord record{
        .id = format_uuid(message.payload.id()), .state = state, .attempt = message.receive_count};
    broker::QueueHandle home = job.queue;
    record.queue = home->name();
    if (state == JobState::dead) {
        record.queue = job.dead_from;
        if (auto source = parts.broker.find_queue(job.dead_from)) home = std::move(source);
    }
    const engine::Payload payload = parts.broker.with_bytes(message.payload);
    if (payload) {
        JobShape shape = read_shape(payload, message.group, *home->settings());
        record.type = std::move(shape.type);
        record.options = std::move(shape.options);
        record.payload = read_payload(payload);
    }
    record.created_at = to_time_point(message.sent_at);
    if (message.received_at != Instant{}) record.started_at = to_time_point(message.received_at);
    // What is to come is shown by the clock that people read, as they may have named it.
    const auto shown_due = [&] {
        return to_time_point(message.due + parts.broker.wall_ahead());
    };
    if (message.state == engine::MessageView::State::delayed) record.run_at = shown_due();
    record.failures = jobs::parse_note(message.note).failures;
    if (state == JobState::dead && !record.failures.empty()) {
        record.reason = record.failures.back().text;
        record.finished_at = record.failures.back().at;
    }
    if (state == JobState::processing) {
        record.lease_until = shown_due();
        record.cancel_requested = message.cancel_requested;
    }
    if (message.receive_count > 0) record.worker = worker_of(parts, job);
    if (const RunningNotesPtr notes = parts.running.find(message.payload.id())) {
        record.progress = notes->progress;
    }
    return record;
}

Result<history::JobEntry> get_ended(BrokerParts& parts, const Uuid& id) {
    auto found = parts.under_way.find(id);
    const std::string text = format_uuid(id);
    if (parts.history != nullptr) {
        auto entry = parts.history->find(text);
        if (!entry && !found) return std::unexpected(entry.error());
        if (entry) found = history::later_end(std::move(found), std::move(*entry));
    }
    if (!found) return no_such_job(text);
    return std::move(*found);
}

Result<JobRecord> find_job(BrokerParts& parts, std::string_view id) {
    if (auto open = check_open(parts); !open) return std::unexpected(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    // A job that moves between queues is in neither for a moment.
    for (int looks = 0; looks < 2; ++looks) {
        if (looks > 0) look_for_endings(parts);
        if (const auto live = find_live(parts, *uuid)) return record_of(parts, *live);
        auto entry = get_ended(parts, *uuid);
        if (entry) return record_of(std::move(*entry));
        if (entry.error().code() != Errc::not_found) return std::unexpected(entry.error());
    }
    return no_such_job(id);
}

Result<LogPage> find_log(BrokerParts& parts, std::string_view id) {
    if (auto open = check_open(parts); !open) return std::unexpected(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    const auto page_of = [](const history::LogLines& log) {
        return LogPage{.lines = {log.lines().begin(), log.lines().end()}, .dropped = log.dropped()};
    };
    if (const RunningNotesPtr notes = parts.running.find(*uuid)) return page_of(notes->log);
    const auto entry = get_ended(parts, *uuid);
    if (entry) return page_of(entry->log);
    if (entry.error().code() != Errc::not_found) return std::unexpected(entry.error());
    if (find_live(parts, *uuid)) return LogPage{};
    return no_such_job(id);
}

EndWait wait_for_job(BrokerParts& parts, std::string_view id, Done<std::optional<JobRecord>> done) {
    const auto refuse = [&done](Error error) -> EndWait {
        done(std::unexpected(std::move(error)));
        return [] {
        };
    };
    if (auto open = check_open(parts); !open) return refuse(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return refuse(uuid.error());
    // In line first, so that a job which finishes while it is looked for is not missed.
    const JobWaits::WaitId wait = parts.waits.add(*uuid, std::move(done));
    if (wait == 0)
        return [] {
        };
    auto record = find_job(parts, id);
    if (!record) {
        parts.waits.answer(*uuid, wait, std::unexpected(record.error()));
    } else if (record->state == JobState::completed || record->state == JobState::dead || record->state == JobState::cancelled) {
        parts.waits.answer(*uuid, wait, std::optional(std::move(*record)));
    }
    return [&parts, uuid = *uuid, wait] {
        parts.waits.answer(uuid, wait, std::nullopt);
    };
}

}  // namespace tranter::providers
