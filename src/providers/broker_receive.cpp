#include "base/log_text.hpp"
#include "jobs/call_checks.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace tranter::providers {
namespace {

/// Deliveries of one call, on their way to a worker.
class Receiving {
  public:
    Receiving(BrokerParts& parts, JobQueuePtr queue)
        : parts_(parts), queue_(std::move(queue)), settings_(queue_->handle->settings()) {}

    std::vector<ReceivedJob> run(
        std::vector<engine::Delivery> deliveries, const std::string& worker
    ) {
        note_worker(deliveries, worker);
        jobs_.reserve(deliveries.size());
        for (engine::Delivery& delivery : deliveries)
            add(delivery);
        if (!unrunnable_.empty()) {
            settle_jobs(parts_, queue_->handle->name(), unrunnable_, [](const auto& /*done*/) {});
        }
        measure();
        if (parts_.events.has_listeners()) tell();
        return std::move(jobs_);
    }

  private:
    void note_worker(const std::vector<engine::Delivery>& deliveries, const std::string& worker) {
        WorkerTable::Access workers(queue_->workers);
        const std::uint32_t number = workers.number_of(worker);
        for (const engine::Delivery& delivery : deliveries)
            workers.put(delivery.receipt, number);
        if (number != 0) parts_.workers.heard(worker, parts_.broker.now());
    }

    void add(engine::Delivery& delivery) {
        JobShape shape = read_shape(delivery.payload, delivery.group, *settings_);
        if (!shape.problem.empty()) {
            return bury(delivery.receipt, "unreadable", std::move(shape.problem));
        }
        if (is_used_up(delivery, shape)) {
            return bury(
                delivery.receipt,
                "lease_expired",
                fmt::format(
                    "all {} attempts ended without an outcome", shape.options.retry.max_attempts
                )
            );
        }
        ReceivedJob& job = jobs_.emplace_back();
        append_uuid(job.id, delivery.payload.id());
        job.queue = queue_->handle->name();
        job.type = std::move(shape.type);
        job.payload = read_payload(delivery.payload);
        parts_.broker.receipts().append(job.receipt, queue_->handle->id(), delivery.receipt);
        job.attempt = delivery.receive_count;
        job.created_at = to_time_point(delivery.sent_at);
        job.lease_until = to_time_point(delivery.visible_at);
        const bool is_first = delivery.receive_count == 1;
        const Instant due =
            is_first ? std::max(delivery.waiting_since, delivery.sent_at) : delivery.waiting_since;
        if (due != Instant{}) job.due_at = to_time_point(due);
        job.options = std::move(shape.options);
        if (delivery.note.empty() && delivery.receive_count < 2) return;
        jobs::JobNote note = jobs::parse_note(delivery.note);
        const TimePoint now = to_time_point(parts_.broker.now());
        if (note.add_lost_leases(delivery.receive_count, now)) {
            stalled_.push_back(job.type);
            // When the delivery is over already there is nothing to keep it with.
            std::ignore =
                parts_.broker.set_note(queue_->handle, delivery.receipt, jobs::format_note(note));
        }
        job.steps = std::move(note.steps);
    }

    void measure() {
        const TimePoint now = to_time_point(parts_.broker.now());
        JobTypeTable::Access types(queue_->types);
        for (const ReceivedJob& job : jobs_) {
            if (job.due_at) types.waited(now - *job.due_at);
        }
        for (const std::string& type : stalled_)
            ++types.of(type).stalled;
    }

    /// A message of somebody else, in a queue that does not count: nobody has counted for it.
    bool is_used_up(const engine::Delivery& delivery, const JobShape& shape) const {
        const bool has_place = !settings_->dead_letter_queue.empty();
        return has_place && settings_->engine.max_receives == 0 &&
               delivery.receive_count > shape.options.retry.max_attempts;
    }

    /// It must not come again and again.
    void bury(const engine::Receipt& receipt, std::string type, std::string reason) {
        unrunnable_.push_back(
            {.receipt = parts_.broker.receipts().encode(queue_->handle->id(), receipt),
             .outcome = Dead{.type = std::move(type), .reason = std::move(reason)}}
        );
    }

    void tell() {
        const TimePoint now = to_time_point(parts_.broker.now());
        std::vector<JobEvent> events;
        events.reserve(jobs_.size());
        for (const ReceivedJob& job : jobs_) {
            events.push_back(
                {.at = now,
                 .id = job.id,
                 .queue = job.queue,
                 .type = job.type,
                 .state = JobState::processing,
                 .attempt = job.attempt}
            );
        }
        if (!events.empty()) parts_.events.publish(std::move(events));
    }

    BrokerParts& parts_;
    const JobQueuePtr queue_;
    const broker::SettingsSnapshot settings_;  // shared with the queue
    std::vector<ReceivedJob> jobs_{};
    std::vector<std::string> stalled_{};  // types of those whose last lease ended
    std::vector<Settlement> unrunnable_{};
};

/// Null when there is no such queue and nobody wants to wait in it.
Result<JobQueuePtr> queue_to_receive_from(BrokerParts& parts, const ReceiveRequest& request) {
    if (request.wait.count() > 0) return parts.queues.get_or_make(request.queue);
    return parts.queues.look_up(request.queue);
}

}  // namespace

EndWait receive_jobs(
    BrokerParts& parts, const ReceiveRequest& request, Done<std::vector<ReceivedJob>> done
) {
    const auto refuse = [&done](Error error) -> EndWait {
        done(std::unexpected(std::move(error)));
        return [] {
        };
    };
    if (auto open = check_open(parts); !open) return refuse(open.error());
    if (auto good = jobs::check_receive(request); !good) return refuse(good.error());
    auto found = queue_to_receive_from(parts, request);
    if (!found) return refuse(found.error());
    parts.workers.asks(request, parts.broker.now());
    JobQueuePtr queue = *found;
    if (!queue) {
        done(std::vector<ReceivedJob>{});
        return [] {
        };
    }
    parts.queues.find_place_for_dead(*queue);
    const engine::ReceiveOptions options{
        .max_messages = static_cast<std::uint32_t>(request.jobs_max),
        .visibility_timeout = request.lease};
    const broker::Broker::WaitId wait = parts.broker.receive(
        queue->handle,
        options,
        request.wait.count() > 0,
        [&parts, queue, worker = request.worker, done = std::move(done)](engine::Received received
        ) mutable {
            if (received.unavailable) return done(std::unexpected(not_durable(parts)));
            if (received.deliveries.empty()) return done(std::vector<ReceivedJob>{});
            Receiving receiving(parts, std::move(queue));
            done(receiving.run(std::move(received.deliveries), worker));
        }
    );
    if (wait == 0)
        return [] {
        };
    return [&parts, queue, wait] {
        parts.broker.cancel_wait(queue->handle, wait);
    };
}

void take_back_jobs(
    BrokerParts& parts, std::string_view queue_name, std::span<const std::string> receipts
) {
    const JobQueuePtr queue = parts.queues.find(queue_name);
    if (!queue) return;
    std::vector<engine::Receipt> deliveries;
    for (const std::string& receipt : receipts) {
        if (const auto read = read_receipt(parts, *queue, receipt)) deliveries.push_back(*read);
    }
    parts.broker.take_back(queue->handle, deliveries);
}

}  // namespace tranter::providers
