#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace tranter::providers {
namespace {

/// Tries to enqueue into a queue that somebody deletes all the time.
constexpr int tries_max = 3;

/// FIFO queues keep an order that some options would break.
Result<> check_fifo(const JobQueue& queue, std::span<const NewJob> jobs) {
    if (!queue.handle->fifo()) return {};
    for (const NewJob& job : jobs) {
        std::string_view problem;
        if (job.options.group.empty()) problem = "group is empty, and a FIFO queue needs one";
        if (job.delay.count() > 0 || job.run_at) {
            problem = "a delay, which jobs of a FIFO queue cannot have";
        }
        if (job.options.priority != priority_default) {
            problem = "a priority, which jobs of a FIFO queue cannot have";
        }
        if (problem.empty()) continue;
        return fail(
            Errc::invalid_argument,
            fmt::format("queue {}, job of type {}: {}", queue.handle->name(), job.type, problem)
        );
    }
    return {};
}

/// One call of enqueue.
class Enqueueing {
  public:
    Enqueueing(BrokerParts& parts, std::span<const NewJob> jobs)
        : parts_(parts), jobs_(jobs), ids_(jobs.size()), enqueued_(jobs.size()) {}

    /// The position to wait for.
    Result<broker::Position> run(std::string_view queue_name) {
        const bool any_chosen =
            std::ranges::any_of(jobs_, [](const NewJob& job) { return !job.id.empty(); });
        if (!any_chosen) return send(queue_name);
        const std::lock_guard lock(parts_.chosen_ids);
        return send(queue_name);
    }

    std::vector<Enqueued> take_enqueued() { return std::move(enqueued_); }
    std::vector<JobEvent> take_events() { return std::move(events_); }

  private:
    Result<broker::Position> send(std::string_view queue_name) {
        for (int tries = 1;; ++tries) {
            auto queue = parts_.queues.get_or_make(queue_name);
            if (!queue) return std::unexpected(queue.error());
            auto position = send_to(**queue);
            const bool deleted = !position && position.error().code() == Errc::not_found;
            if (!deleted || tries == tries_max) return position;
        }
    }

    /// With what each job came to.
    void count(JobQueue& queue, std::span<const engine::Sent> sent) {
        JobTypeTable::Access types(queue.types);
        for (std::size_t k = 0; k < sent_.size(); ++k) {
            if (!sent[k].duplicate && !sent[k].replaced) ++types.of(jobs_[sent_[k]].type).enqueued;
        }
    }

    Result<broker::Position> send_to(JobQueue& queue) {
        if (auto good = check_fifo(queue, jobs_); !good) return std::unexpected(good.error());
        const broker::SettingsSnapshot settings = queue.handle->settings();
        const EnqueueMoment moment(parts_.broker);
        JobEncoder encoder(*settings, queue.handle->fifo(), moment, jobs_.size());
        sent_.clear();
        std::unordered_set<Uuid, UuidHash> chosen;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            if (jobs_[i].id.empty()) {
                ids_[i] = make_uuid();
            } else {
                ids_[i] = parse_uuid(jobs_[i].id).value_or(Uuid{});
                if (!chosen.insert(ids_[i]).second || is_known(ids_[i])) {
                    put(i, ids_[i], true);
                    continue;
                }
            }
            encoder.add(jobs_[i], ids_[i]);
            sent_.push_back(i);
        }
        if (sent_.empty()) return parts_.broker.journal().end();
        auto sent = parts_.broker.send_all(queue.handle, encoder.requests());
        if (!sent.sent) return std::unexpected(sent.sent.error());
        count(queue, *sent.sent);
        const bool told = parts_.events.has_listeners();
        for (std::size_t k = 0; k < sent_.size(); ++k) {
            const engine::Sent& result = (*sent.sent)[k];
            const bool there_before = result.duplicate || result.replaced.has_value();
            put(sent_[k], there_before ? result.id : ids_[sent_[k]], there_before);
            if (told && !there_before) note_event(queue, sent_[k]);
        }
        return sent.position;
    }

    void put(std::size_t i, const Uuid& id, bool there_before) {
        enqueued_[i].id = format_uuid(id);
        if (there_before) enqueued_[i].duplicate_of = enqueued_[i].id;
    }

    bool is_known(const Uuid& id) {
        return find_live(parts_, id).has_value() || get_ended(parts_, id).has_value();
    }

    void note_event(const JobQueue& queue, std::size_t i) {
        const NewJob& job = jobs_[i];
        const EnqueueMoment moment(parts_.broker);
        const bool later =
            job.run_at ? moment.at(*job.run_at) > moment.now : job.delay > Milliseconds::zero();
        events_.push_back(
            {.at = to_time_point(moment.now),
             .id = enqueued_[i].id,
             .queue = queue.handle->name(),
             .type = job.type,
             .state = later ? JobState::scheduled : JobState::pending}
        );
    }

    BrokerParts& parts_;
    const std::span<const NewJob> jobs_;
    std::vector<Uuid> ids_;
    std::vector<Enqueued> enqueued_;
    std::vector<std::size_t> sent_{};  // which jobs went to the broker
    std::vector<JobEvent> events_{};
};

}  // namespace

void enqueue_jobs(
    BrokerParts& parts,
    std::string_view queue,
    std::span<const NewJob> jobs,
    Done<std::vector<Enqueued>> done
) {
    if (auto open = check_open(parts); !open) return done(std::unexpected(open.error()));
    if (auto good = jobs::check_new_jobs(jobs); !good) return done(std::unexpected(good.error()));
    if (jobs.empty()) return done(std::vector<Enqueued>{});
    Enqueueing enqueueing(parts, jobs);
    const auto position = enqueueing.run(queue);
    if (!position) return done(std::unexpected(position.error()));
    when_durable(
        parts.broker,
        *position,
        [&parts,
         enqueued = enqueueing.take_enqueued(),
         events = enqueueing.take_events(),
         done = std::move(done)](bool durable) mutable {
            if (!durable) return done(std::unexpected(not_durable(parts)));
            if (!events.empty()) parts.events.publish(std::move(events));
            done(std::move(enqueued));
        }
    );
}

}  // namespace tranter::providers
