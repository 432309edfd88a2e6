#include "jobs/job_json.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <vector>

/// What people do to jobs by their ids.
namespace tranter::providers {
namespace {

std::unexpected<Error> wrong_state(
    std::string_view id, std::string_view state, std::string_view what
) {
    return fail(Errc::conflict, fmt::format("job {} is {}, {}", id, state, what));
}

std::string_view ended_name(history::State state) {
    return history::state_name(state);
}

std::string_view live_name(const engine::MessageView& message) {
    using State = engine::MessageView::State;
    if (message.state == State::in_flight) return "processing";
    if (message.state == State::visible) return "pending";
    return message.receive_count > 0 ? "failed" : "scheduled";
}

/// `done(value)` once it is durable.
template <class T>
void answer_durable(BrokerParts& parts, broker::Position position, T value, Done<T> done) {
    when_durable(
        parts.broker,
        position,
        [&parts, value, done = std::move(done)](bool durable) mutable {
            if (!durable) return done(std::unexpected(not_durable(parts)));
            done(value);
        }
    );
}

/// A job that lives again.
struct Revived {
    broker::Position position = 0;
    std::vector<JobEvent> events{};
};

std::vector<JobEvent> pending_again(
    BrokerParts& parts, const broker::QueueHandle& queue, const engine::MessageView& message
) {
    if (!parts.events.has_listeners()) return {};
    return {
        {.at = to_time_point(parts.broker.now()),
         .id = format_uuid(message.payload.id()),
         .queue = queue->name(),
         .type = read_shape(message.payload, message.group, *queue->settings()).type,
         .state = JobState::pending}};
}

/// The job lives again: what history has of it is of an attempt that another one follows, which
/// lists leave out. Called before it may run, since the end that follows has to be the last that
/// history hears of; and `at` is no later than that end.
void reopen_in_history(
    BrokerParts& parts, JobQueue& queue, const engine::MessageView& message, Instant at
) {
    if (parts.history == nullptr) return;
    const auto ended = finished_in(queue);
    ended->add(finished_job(message, history::State::failed, at));
    parts.history->add(ended);
}

Result<Revived> revive_dead(BrokerParts& parts, LiveJob job) {
    // The queue may have been deleted meanwhile.
    const auto home = parts.queues.get_or_make(job.dead_from);
    if (!home) return std::unexpected(home.error());
    const broker::QueueHandle& queue = (*home)->handle;
    const Uuid id = job.message.payload.id();
    auto events = pending_again(parts, queue, job.message);
    reopen_in_history(parts, **home, job.message, parts.broker.now());
    const auto moved = parts.broker.move(job.queue, id, queue);
    if (!moved) return std::unexpected(moved.error());
    return Revived{.position = *moved, .events = std::move(events)};
}

Result<NewJob> job_again(BrokerParts& parts, const history::JobEntry& entry) {
    auto options = jobs::options_from_json(entry.options);
    if (!options) return std::unexpected(options.error());
    NewJob job{
        .id = entry.id,
        .type = entry.type,
        .payload = entry.payload,
        .options = std::move(*options)};
    job.options.group = entry.group;
    // The moment by which it had to begin is over, or this would end it again at once.
    const EnqueueMoment moment(parts.broker);
    if (job.options.deadline && moment.at(*job.options.deadline) <= moment.now) {
        job.options.deadline.reset();
    }
    return job;
}

/// When the job ended, which is what lets take_back_reopening() undo it; but of an end that is
/// still to be told, and would then replace what is told now, a later moment.
Instant reopening_time(BrokerParts& parts, const history::JobEntry& entry) {
    const auto id = parse_uuid(entry.id);
    const bool told = !id || !parts.under_way.find(*id);
    return told ? entry.finished : parts.broker.now();
}

/// The job was not enqueued again after all.
void take_back_reopening(BrokerParts& parts, history::JobEntry entry, Instant at) {
    if (parts.history == nullptr) return;
    entry.finished = std::max(entry.finished, at);
    parts.history->add(entry);
    // Who has begun to wait for it meanwhile took it for one that lives.
    const auto id = parse_uuid(entry.id);
    if (id && parts.waits.has(*id)) parts.waits.finished(*id, record_of(std::move(entry)));
}

Result<engine::Sent> send_again(
    BrokerParts& parts,
    const broker::QueueHandle& queue,
    const JobEncoder& encoder,
    broker::Position& position
) {
    auto sent = parts.broker.send_all(queue, encoder.requests());
    if (!sent.sent) return std::unexpected(std::move(sent.sent.error()));
    const engine::Sent& result = sent.sent->front();
    position = sent.position;
    if (!result.duplicate && !result.replaced) return result;
    return fail(
        Errc::conflict,
        fmt::format(
            "job {} has the same dedup key as job {}, which is there instead",
            format_uuid(encoder.requests().front().payload.id()),
            format_uuid(result.id)
        )
    );
}

Result<Revived> enqueue_again(BrokerParts& parts, const history::JobEntry& entry) {
    const auto job = job_again(parts, entry);
    if (!job) return std::unexpected(job.error());
    auto queue = parts.queues.get_or_make(entry.queue);
    if (!queue) return std::unexpected(queue.error());
    const broker::QueueHandle& handle = (*queue)->handle;
    const broker::SettingsSnapshot settings = handle->settings();
    const EnqueueMoment moment(parts.broker);
    JobEncoder encoder(*settings, handle->fifo(), moment, 1);
    encoder.add(*job, parse_uuid(entry.id).value_or(Uuid{}));
    engine::MessageView message{
        .payload = encoder.requests().front().payload,
        .group = entry.group,
        .sent_at = entry.created,
        .receive_count = entry.attempt};
    Revived revived{.events = pending_again(parts, handle, message)};
    const Instant at = reopening_time(parts, entry);
    reopen_in_history(parts, **queue, message, at);
    auto sent = send_again(parts, handle, encoder, revived.position);
    if (!sent) {
        take_back_reopening(parts, entry, at);
        return std::unexpected(std::move(sent.error()));
    }
    return revived;
}

Result<Revived> revive(BrokerParts& parts, const Uuid& id) {
    // So that two who retry the same job at once do not enqueue it twice.
    const std::lock_guard lock(parts.chosen_ids);
    if (parts.removing.contains(id)) return no_such_job(format_uuid(id));
    auto live = find_live(parts, id);
    if (live && !live->dead_from.empty()) return revive_dead(parts, std::move(*live));
    if (live) {
        const std::string_view state = live_name(live->message);
        if (state != "failed") {
            return wrong_state(format_uuid(id), state, "only ended jobs are retried");
        }
        const auto promoted = parts.broker.promote(live->queue, id);
        if (!promoted) return std::unexpected(promoted.error());
        return Revived{
            .position = *promoted, .events = pending_again(parts, live->queue, live->message)};
    }
    const auto entry = get_ended(parts, id);
    if (!entry) return std::unexpected(entry.error());
    return enqueue_again(parts, *entry);
}

}  // namespace

void cancel_job(BrokerParts& parts, std::string_view id, Done<Cancelled> done) {
    if (auto open = check_open(parts); !open) return done(std::unexpected(open.error()));
    const auto uuid = read_job_id(id);
    if (!uuid) return done(std::unexpected(uuid.error()));
    const auto live = find_live(parts, *uuid);
    if (!live || !live->dead_from.empty()) {
        if (live) return done(wrong_state(id, "dead", "and cannot be cancelled"));
        const auto entry = get_ended(parts, *uuid);
        if (!entry) return done(std::unexpected(entry.error()));
        return done(wrong_state(id, ended_name(entry->state), "and cannot be cancelled"));
    }
    JobsUnderWay::Ticket ticket(parts.under_way);
    auto cancelled = parts.broker.cancel(live->queue, *uuid);
    if (!cancelled.done) return done(std::unexpected(cancelled.done.error()));
    if (*cancelled.done == engine::CancelResult::requested) {
        return answer_durable(parts, cancelled.position, Cancelled::requested, std::move(done));
    }
    const JobQueuePtr queue = parts.queues.of(live->queue);
    auto ended = finished_in(*queue);
    if (cancelled.message) {
        FinishedJob job =
            finished_job(*cancelled.message, history::State::cancelled, parts.broker.now());
        job.reason = "cancelled";
        job.notes = parts.running.take(*uuid);
        ended->add(job);
    }
    ticket.set(ended);
    when_durable(
        parts.broker,
        cancelled.position,
        [&parts,
         queue,
         ended = std::move(ended),
         ticket = std::move(ticket),
         done = std::move(done)](bool durable) mutable {
            if (!durable) return done(std::unexpected(not_durable(parts)));
            tell_ended(parts, *queue, ended);
            ticket.end();
            done(Cancelled::removed);
        }
    );
}

void retry_job(BrokerParts& parts, std::string_view id, Done<bool> done) {
    if (auto open = check_open(parts); !open) return done(std::unexpected(open.error()));
    const auto uuid = read_job_id(id);
    if (!uuid) return done(std::unexpected(uuid.error()));
    auto revived = revive(parts, *uuid);
    if (!revived) return done(std::unexpected(revived.error()));
    if (!revived->events.empty()) parts.events.publish(std::move(revived->events));
    answer_durable(parts, revived->position, true, std::move(done));
}

void promote_job(BrokerParts& parts, std::string_view id, Done<bool> done) {
    if (auto open = check_open(parts); !open) return done(std::unexpected(open.error()));
    const auto uuid = read_job_id(id);
    if (!uuid) return done(std::unexpected(uuid.error()));
    const auto live = find_live(parts, *uuid);
    constexpr std::string_view only = "only scheduled and failed jobs are promoted";
    if (!live || !live->dead_from.empty()) {
        if (live) return done(wrong_state(id, "dead", only));
        const auto entry = get_ended(parts, *uuid);
        if (!entry) return done(std::unexpected(entry.error()));
        return done(wrong_state(id, ended_name(entry->state), only));
    }
    if (live->message.state != engine::MessageView::State::delayed) {
        return done(wrong_state(id, live_name(live->message), only));
    }
    const auto promoted = parts.broker.promote(live->queue, *uuid);
    if (!promoted) return done(std::unexpected(promoted.error()));
    auto events = pending_again(parts, live->queue, live->message);
    if (!events.empty()) parts.events.publish(std::move(events));
    answer_durable(parts, *promoted, true, std::move(done));
}

}  // namespace tranter::providers
