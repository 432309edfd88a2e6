#include "providers/sqs_receive.hpp"

#include "base/log.hpp"
#include "base/stop.hpp"
#include "jobs/job_json.hpp"
#include "providers/sqs_dead.hpp"
#include "providers/sqs_limits.hpp"
#include "providers/sqs_send.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace tranter::providers {

namespace {

using std::chrono::seconds;

// A server that answers long polls at once is not asked without a pause.
constexpr Milliseconds shortest_poll(200);

class SqsReceiver {
  public:
    SqsReceiver(
        SqsStore& store,
        const ReceiveRequest& request,
        SqsQueueHandle queue,
        const std::stop_token& stop
    )
        : store_(store), request_(request), queue_(std::move(queue)), stop_(request.stop, stop) {}

    Result<std::vector<ReceivedJob>> run() {
        const Instant deadline = store_.clock.now() + request_.wait;
        for (bool last = false; !last;) {
            const Instant begun = store_.clock.now();
            const Duration left = std::max(deadline - begun, Duration::zero());
            last = left == Duration::zero();
            const seconds wait = std::min(std::chrono::floor<seconds>(left), sqs_wait_max);
            if (auto received = fill(wait); !received) return std::unexpected(received.error());
            if (!jobs_.empty() || stopped()) break;
            const Duration took = store_.clock.now() - begun;
            if (wait == seconds::zero()) {
                rest(left - took, stop_.token());
            } else if (took < shortest_poll) {
                rest(std::min<Duration>(left, shortest_poll), stop_.token());
            }
        }
        return std::move(jobs_);
    }

  private:
    bool stopped() const { return stop_.token().stop_requested(); }

    /// Calls until there are enough jobs or no more to be had. An error only while there are none.
    Result<> fill(seconds wait) {
        while (true) {
            const std::size_t wanted = std::min(request_.jobs_max - jobs_.size(), sqs_batch_max);
            const auto messages = call(wanted, wait);
            if (!messages) {
                const Errc code = messages.error().code();
                const bool ended = code == Errc::cancelled && stopped();
                if (ended || !jobs_.empty()) return {};
                return std::unexpected(messages.error());
            }
            const std::size_t count = take(*messages);
            if (count < wanted || jobs_.size() >= request_.jobs_max || stopped()) return {};
            wait = seconds::zero();
        }
    }

    Result<aws::Json> call(std::size_t count, seconds wait) {
        aws::Json all;
        all.push("All");
        aws::Json input;
        input.set("QueueUrl", queue_->url)
            .set("MaxNumberOfMessages", count)
            .set("VisibilityTimeout", whole_seconds(request_.lease).count())
            .set("WaitTimeSeconds", wait.count())
            .set("MessageAttributeNames", all)
            // The older name is the only one that older servers know.
            .set("AttributeNames", all)
            .set("MessageSystemAttributeNames", all);
        called_at_ = store_.clock.now();
        auto answer = store_.endpoint->call(
            {.action = "ReceiveMessage", .input = input, .wait = wait, .stop = stop_.token()}
        );
        if (!answer) {
            if (answer.error().code() == Errc::not_found) store_.queues.forget(queue_->name);
            return answer;
        }
        return (*answer)["Messages"];
    }

    /// How many messages there were, whatever became of them.
    std::size_t take(const aws::Json& messages) {
        received_at_ = store_.clock.now();
        for (const aws::Json& message : messages.items()) {
            take_one(read_sqs_delivery(message));
        }
        drop_expired();
        bury();
        return messages.items().size();
    }

    /// The server's clock for it began to run before its answer was here.
    Instant lease_until() const {
        const Duration lease = whole_seconds(request_.lease);
        const Duration way =
            std::min({received_at_ - called_at_, lease / 10, Duration(seconds(1))});
        return received_at_ + lease - way;
    }

    void take_one(SqsDelivery delivery) {
        const SqsJobRules rules = queue_->rules(store_.url.default_type);
        const bool is_dead_letter_queue =
            queue_->dead_letter_queue.empty() && dead_letter_name(queue_->name).empty();
        SqsHeld held{.max_receives = queue_->max_receives};
        auto job = job_of_delivery(delivery, rules);
        if (job) {
            held.job = std::move(*job);
        } else {
            SqsDelivery without = delivery;
            without.message.erase(jobs::options_attribute);
            without.message.erase(jobs::type_attribute);
            // Cannot fail without what it failed for.
            held.job = job_of_delivery(without, rules).value_or(ReceivedJob());
        }
        held.job.attempt = store_.leases.attempt_of(delivery);
        held.delivery = std::move(delivery);
        std::uint32_t& attempts = held.job.options.retry.max_attempts;
        if (is_dead_letter_queue) {
            attempts = std::max(attempts, held.job.attempt + 1);
        } else if (!job) {
            lay_out(std::move(held), "malformed", job.error().message());
            return;
        } else if (held.job.attempt > attempts) {
            lay_out(
                std::move(held),
                "lease_expired",
                fmt::format("all {} attempts ended without an outcome", attempts)
            );
            return;
        }
        if (is_expired(held.job, store_.now())) {
            expired_.push_back(held.delivery.handle);
            return;
        }
        jobs_.push_back(store_.leases.add(std::move(held), received_at_, lease_until()));
    }

    void lay_out(SqsHeld held, std::string type, std::string text) {
        const std::uint32_t attempt = held.job.attempt;
        dead_.push_back(
            {.held = std::make_shared<const SqsHeld>(std::move(held)),
             .received_at = received_at_,
             .failure =
                 {.attempt = attempt,
                  .at = store_.now(),
                  .type = std::move(type),
                  .text = std::move(text)}}
        );
    }

    void drop_expired() {
        for (const auto& deleted : delete_sqs_messages(*store_.endpoint, *queue_, expired_)) {
            // What could not be deleted comes again, and is still expired.
            if (deleted) store_.counters.add(queue_->name, &SqsCounters::Counts::cancelled);
        }
        expired_.clear();
    }

    void bury() {
        const auto buried = bury_sqs_jobs(store_, *queue_, dead_);
        for (std::size_t i = 0; i < buried.size(); ++i) {
            if (buried[i].for_good) continue;  // the log has it
            const auto& [held, received_at, failure] = dead_[i];
            const std::string problem =
                buried[i].done ? std::string() : buried[i].done.error().message();
            log_warn(
                "sqs",
                problem.empty() ? "a job is dead" : "a dead job could not be moved yet",
                {{"queue", queue_->name},
                 {"job_id", held->job.id},
                 {"reason", failure.text},
                 {"error", problem}}
            );
        }
        dead_.clear();
    }

    SqsStore& store_;
    const ReceiveRequest& request_;
    const SqsQueueHandle queue_;
    const EitherStop stop_;
    Instant called_at_{};
    Instant received_at_{};
    std::vector<ReceivedJob> jobs_{};
    std::vector<std::string> expired_{};
    std::vector<SqsBurial> dead_{};
};

}  // namespace

Result<std::vector<ReceivedJob>> receive_from_sqs(
    SqsStore& store, const ReceiveRequest& request, const std::stop_token& stop
) {
    auto queue = store.queues.get(request.queue);
    if (!queue && queue.error().code() == Errc::not_found) {
        return fail(
            Errc::not_found,
            fmt::format(
                "queue {} does not exist{}", request.queue, store.queues.suggest(request.queue)
            )
        );
    }
    if (!queue) return std::unexpected(queue.error());
    return SqsReceiver(store, request, std::move(*queue), stop).run();
}

}  // namespace tranter::providers
