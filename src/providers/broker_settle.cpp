#include "base/duration.hpp"
#include "jobs/call_checks.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::providers {
namespace {

/// A settlement between what the worker said and what the broker did.
struct SettlePlan {
    std::size_t index = 0;  // in the call
    history::State state = history::State::completed;
    bool ends = true;     // otherwise nothing of it is history
    bool failed = false;  // counts as a failed attempt, whatever became of the job
    std::string reason{};
    Duration delay{};
};

template <class... Case>
struct Cases : Case... {
    using Case::operator()...;
};

/// One call of settle: what goes to the broker, what came of it, and who has to know.
class Settling {
  public:
    Settling(BrokerParts& parts, JobQueuePtr queue, std::size_t settlements)
        : parts_(parts),
          queue_(std::move(queue)),
          results_(settlements, Result<>{}),
          ended_(finished_in(*queue_)),
          now_(parts.broker.now()) {}

    /// The position to wait for.
    broker::Position run(std::span<const Settlement> settlements) {
        settles_.reserve(settlements.size());
        plans_.reserve(settlements.size());
        for (std::size_t i = 0; i < settlements.size(); ++i)
            prepare(settlements[i], i);
        decide(settlements);
        if (settles_.empty()) return parts_.broker.journal().end();
        auto settled = parts_.broker.settle(queue_->handle, settles_);
        ended_->reserve(settles_.size());
        const WorkerTable::Access workers(queue_->workers);
        for (std::size_t k = 0; k < plans_.size(); ++k) {
            Result<engine::MessageView>& message = settled.settled[k];
            SettlePlan& plan = plans_[k];
            if (!message) {
                results_[plan.index] = std::unexpected(std::move(message.error()));
                continue;
            }
            if (plan.failed) queue_->failed.fetch_add(1, std::memory_order_relaxed);
            if (plan.ends && !ended_by_itself(plan, *message)) {
                note_ended(plan, *message, settlements[plan.index], workers);
            }
        }
        return settled.position;
    }

    std::vector<Result<>> take_results() { return std::move(results_); }
    std::shared_ptr<const FinishedJobs> take_ended() { return std::move(ended_); }

  private:
    using Kind = engine::Settle::Kind;

    engine::Settle& add(
        std::size_t index, Kind kind, const engine::Receipt& receipt, history::State state
    ) {
        plans_.push_back({.index = index, .state = state});
        return settles_.emplace_back(engine::Settle{.kind = kind, .receipt = receipt});
    }

    void prepare(const Settlement& settlement, std::size_t i) {
        const auto receipt = read_receipt(parts_, *queue_, settlement.receipt);
        if (!receipt) {
            results_[i] = std::unexpected(receipt.error());
            return;
        }
        if (auto good = jobs::check_outcome(settlement.outcome); !good) {
            results_[i] = std::unexpected(std::move(good.error()));
            return;
        }
        const auto put_back = [&](Duration delay) {
            engine::Settle& settle = add(i, Kind::put_back, *receipt, history::State::failed);
            settle.delay = delay;
            settle.counts = false;
            plans_.back().ends = false;
        };
        const auto decide_later = [&] {
            undecided_.push_back(settles_.size());
            add(i, Kind::take_out, *receipt, history::State::dead);
        };
        std::visit(
            Cases{
                [&](const Completed&) {
                    add(i, Kind::complete, *receipt, history::State::completed);
                },
                [&](const Stopped&) {
                    add(i, Kind::complete, *receipt, history::State::cancelled);
                    plans_.back().reason = "cancelled";
                },
                [&](const Released&) { put_back({}); },
                [&](const Snoozed& snoozed) { put_back(snoozed.after); },
                [&](const Failed&) { decide_later(); },
                [&](const Dead&) {
                    decide_later();
                }},
            settlement.outcome
        );
    }

    /// What becomes of a job that did not succeed depends on the job.
    void decide(std::span<const Settlement> settlements) {
        if (undecided_.empty()) return;
        std::vector<engine::Receipt> receipts;
        receipts.reserve(undecided_.size());
        for (const std::size_t k : undecided_)
            receipts.push_back(settles_[k].receipt);
        const auto held = parts_.broker.held(queue_->handle, receipts);
        const broker::SettingsSnapshot settings = queue_->handle->settings();
        for (std::size_t i = 0; i < undecided_.size(); ++i) {
            // One that is not held is left to the broker, which says so.
            if (!held[i]) continue;
            const std::size_t k = undecided_[i];
            AttemptFailure failure{.attempt = held[i]->receive_count, .at = to_time_point(now_)};
            const AttemptOutcome& outcome = settlements[plans_[k].index].outcome;
            if (const auto* failed = std::get_if<Failed>(&outcome)) {
                failure.type = failed->type;
                failure.text = failed->text;
                decide_failed(k, *held[i], *failed, *settings);
            } else if (const auto* dead = std::get_if<Dead>(&outcome)) {
                failure.type = dead->type.empty() ? "dead" : dead->type;
                failure.text = dead->reason;
                plans_[k].reason = dead->reason;
            }
            keep_failure(k, *held[i], std::move(failure));
        }
    }

    void decide_failed(
        std::size_t k,
        const engine::MessageView& message,
        const Failed& failed,
        const broker::QueueSettings& settings
    ) {
        SettlePlan& plan = plans_[k];
        plan.failed = true;
        if (message.cancel_requested) {
            settles_[k].kind = Kind::complete;
            plan.state = history::State::cancelled;
            plan.reason = "cancelled";
            return;
        }
        const RetryPolicy retry =
            read_shape(parts_.broker.with_bytes(message.payload), message.group, settings)
                .options.retry;
        const auto rest = retry.next_delay(message.receive_count, next_random(parts_));
        if (!rest) {
            plan.reason = jobs::reason_of_death(message.receive_count, retry.max_attempts, failed);
            return;
        }
        settles_[k].kind = Kind::put_back;
        settles_[k].delay = failed.retry_after.value_or(*rest);
        settles_[k].counts = true;
        plan.state = history::State::failed;
        plan.delay = settles_[k].delay;
    }

    void keep_failure(std::size_t k, const engine::MessageView& message, AttemptFailure failure) {
        jobs::JobNote note = jobs::parse_note(message.note);
        note.add_lost_leases(failure.attempt, failure.at);
        note.add(std::move(failure));
        // When the lease ends just now the broker refuses the settlement too.
        std::ignore =
            parts_.broker.set_note(queue_->handle, settles_[k].receipt, jobs::format_note(note));
    }

    /// A job that was put back can end by that, and Broker::on_ended has told so already.
    bool ended_by_itself(const SettlePlan& plan, const engine::MessageView& message) const {
        if (plan.state != history::State::failed) return false;
        if (message.cancel_requested) return true;
        return message.deadline != Instant{} && message.deadline <= parts_.broker.now();
    }

    void note_ended(
        const SettlePlan& plan,
        const engine::MessageView& message,
        const Settlement& settlement,
        const WorkerTable::Access& workers
    ) {
        FinishedJob job = finished_job(message, plan.state, now_);
        job.reason = plan.reason;
        job.worker = workers.name_of(message.slot, message.sequence);
        const Uuid& id = message.payload.id();
        if (plan.state == history::State::failed) {
            job.due = now_ + plan.delay;
            job.notes = parts_.running.find(id);
        } else {
            job.notes = parts_.running.take(id);
        }
        if (const auto* completed = std::get_if<Completed>(&settlement.outcome)) {
            job.result = completed->result;
        }
        ended_->add(job);
    }

    BrokerParts& parts_;
    const JobQueuePtr queue_;
    std::vector<engine::Settle> settles_{};
    std::vector<SettlePlan> plans_{};       // one for each of settles_
    std::vector<std::size_t> undecided_{};  // which of settles_
    std::vector<Result<>> results_;
    std::shared_ptr<FinishedJobs> ended_;
    const Instant now_;
};

}  // namespace

void settle_jobs(
    BrokerParts& parts,
    std::string_view queue_name,
    std::span<const Settlement> settlements,
    Done<std::vector<Result<>>> done
) {
    if (auto open = check_open(parts); !open) return done(std::unexpected(open.error()));
    if (settlements.size() > jobs_per_call_max) {
        return done(fail(
            Errc::invalid_argument,
            fmt::format(
                "{} settlements in one call, limit is {}", settlements.size(), jobs_per_call_max
            )
        ));
    }
    auto queue = parts.queues.get(queue_name);
    if (!queue) return done(std::unexpected(queue.error()));
    JobsUnderWay::Ticket ticket(parts.under_way);
    Settling settling(parts, *queue, settlements.size());
    const broker::Position position = settling.run(settlements);
    auto ended = settling.take_ended();
    ticket.set(ended);
    when_durable(
        parts.broker,
        position,
        [&parts,
         queue = std::move(*queue),
         ended = std::move(ended),
         ticket = std::move(ticket),
         results = settling.take_results(),
         done = std::move(done)](bool durable) mutable {
            if (!durable) return done(std::unexpected(not_durable(parts)));
            tell_ended(parts, *queue, ended);
            ticket.end();
            done(std::move(results));
        }
    );
}

}  // namespace tranter::providers
