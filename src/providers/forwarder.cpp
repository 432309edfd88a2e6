#include "providers/forwarder.hpp"

#include "base/duration.hpp"
#include "base/log.hpp"
#include "base/stop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::providers {
namespace {

constexpr Duration forward_rest_least = std::chrono::milliseconds(50);
constexpr Duration forward_rest_most = std::chrono::seconds(5);
constexpr std::string_view forward_refused = "forward_refused";

TimePoint forward_now() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

/// Nothing is wrong with the job: it is the store, or what somebody has to put right there.
bool is_of_store(Errc code) {
    switch (code) {
        case Errc::unavailable:
        case Errc::timed_out:
        case Errc::cancelled:
        case Errc::not_found:
        case Errc::unauthenticated:
        case Errc::permission_denied:
            return true;
        default:
            return false;
    }
}

/// The target says so of this job each time.
bool is_refused_for_good(Errc code) {
    return code == Errc::invalid_argument || code == Errc::unsupported;
}

AttemptOutcome outcome_of_refusal(const Error& error) {
    const std::string type(forward_refused);
    if (is_refused_for_good(error.code())) return Dead{.type = type, .reason = error.message()};
    return Failed{.type = type, .text = error.message()};
}

/// To be settled again: the store did not answer, or does not let us in for now.
bool is_unsettled(const Result<>& answer) {
    if (answer) return false;
    const Errc code = answer.error().code();
    return code == Errc::unavailable || code == Errc::timed_out || code == Errc::unauthenticated;
}

/// Why one of them is open; null: none is.
const Error* unsettled_error(const std::vector<Result<>>& answers) {
    const auto found = std::ranges::find_if(answers, is_unsettled);
    return found == answers.end() ? nullptr : &found->error();
}

class Pauses {
  public:
    /// False when a stop was requested.
    bool rest_again(const std::stop_token& stop) {
        next_ = std::clamp(next_ * 2, forward_rest_least, forward_rest_most);
        return rest(next_, stop);
    }

  private:
    Duration next_{};
};

}  // namespace

Forwarder::Forwarder(
    std::shared_ptr<Provider> from, std::shared_ptr<Provider> to, ForwarderOptions options
)
    : from_(std::move(from)), to_(std::move(to)), options_(std::move(options)) {}

jobs::ForwardingFigures Forwarder::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

const std::string& Forwarder::to_queue() const {
    return options_.to_queue.empty() ? options_.queue : options_.to_queue;
}

void Forwarder::note_source(const Error* error) {
    const std::lock_guard lock(mutex_);
    const bool answers = error == nullptr;
    if (error != nullptr) {
        figures_.source_error = error->message();
        figures_.source_error_at = forward_now();
    }
    if (std::exchange(figures_.source_answers, answers) == answers) return;
    if (answers) {
        log_info("forward", "the source answers again");
    } else {
        log_warn("forward", "the source does not answer", {{"error", figures_.source_error}});
    }
}

void Forwarder::note_target(const Error* error) {
    const std::lock_guard lock(mutex_);
    const bool answers = error == nullptr;
    if (error != nullptr) {
        figures_.target_error = error->message();
        figures_.target_error_at = forward_now();
    }
    if (std::exchange(figures_.target_answers, answers) == answers) return;
    if (answers) {
        log_info("forward", "the target answers again");
    } else {
        log_warn(
            "forward",
            "the target does not take jobs, they are held",
            {{"error", figures_.target_error}}
        );
    }
}

Result<> Forwarder::run(const std::stop_token& stop) {
    Pauses pauses;
    note_progress();
    while (!stop.stop_requested()) {
        auto jobs = receive(stop);
        if (!jobs) {
            const Errc code = jobs.error().code();
            // Whoever goes on for ever may be granted it one day, a script has to be told.
            const bool is_over = options_.until_empty && code == Errc::permission_denied;
            if (is_over || !is_of_store(code)) return std::unexpected(jobs.error());
            if (is_hopeless()) return std::unexpected(why_hopeless());
            if (!pauses.rest_again(stop)) break;
            continue;
        }
        pauses = {};
        note_progress();
        if (!jobs->empty()) {
            if (auto done = forward(std::move(*jobs), stop); !done) return done;
        } else if (options_.until_empty) {
            break;
        }
    }
    return {};
}

Result<std::vector<ReceivedJob>> Forwarder::receive(const std::stop_token& stop) {
    auto jobs = from_->receive(
        {.queue = options_.queue,
         .jobs_max = std::min(options_.batch_max, from_->capabilities().batch_max),
         .lease = options_.lease,
         .wait = options_.until_empty ? Milliseconds::zero() : options_.poll_wait,
         .worker = options_.name,
         .stop = stop}
    );
    // Nobody has enqueued into it yet.
    if (!jobs && jobs.error().code() == Errc::not_found && options_.until_empty) {
        return std::vector<ReceivedJob>();
    }
    note_source(jobs ? nullptr : &jobs.error());
    return jobs;
}

bool Forwarder::is_hopeless() const {
    return options_.until_empty &&
           std::chrono::steady_clock::now() - progress_at_ >= options_.lease;
}

Error Forwarder::why_hopeless() const {
    const std::lock_guard lock(mutex_);
    return {
        Errc::unavailable,
        fmt::format(
            "nothing could be forwarded for {}, the lease: {}",
            format_duration(options_.lease),
            figures_.source_answers ? "the target does not take jobs: " + figures_.target_error
                                    : "the source does not answer: " + figures_.source_error
        )};
}

Result<> Forwarder::forward(std::vector<ReceivedJob> jobs, const std::stop_token& stop) {
    Batch batch;
    batch.reserve(jobs.size());
    for (ReceivedJob& job : jobs)
        batch.push_back({.job = std::move(job)});
    auto extend_at = std::chrono::steady_clock::now() + options_.lease / 2;
    for (Pauses pauses; !batch.empty();) {
        if (std::chrono::steady_clock::now() >= extend_at) {
            extend(batch);
            extend_at = std::chrono::steady_clock::now() + options_.lease / 2;
        }
        enqueue(batch);
        if (settle(batch) && batch.empty()) return {};
        const bool is_over = is_hopeless();
        if (!is_over && pauses.rest_again(stop)) continue;
        const Error why = why_hopeless();
        for (Held& held : batch) {
            if (!held.outcome) held.outcome = Released{};
        }
        // What is not settled now is handed out again when its lease ends.
        settle(batch);
        if (is_over) return std::unexpected(why);
        break;
    }
    return {};
}

NewJob Forwarder::copy_of(const ReceivedJob& job) const {
    NewJob copy{.id = job.id, .type = job.type, .payload = job.payload, .options = job.options};
    JobOptions& options = copy.options;
    if (options.ttl > Milliseconds::zero()) {
        const TimePoint end = job.created_at + options.ttl;
        options.deadline = std::min(options.deadline.value_or(end), end);
        options.ttl = {};
    }
    if (options_.without_dedup) options.dedup.reset();
    if (options_.without_priority) options.priority = priority_default;
    return copy;
}

void Forwarder::enqueue(Batch& batch) {
    std::vector<Held*> open;
    std::vector<NewJob> copies;
    for (Held& held : batch) {
        if (held.outcome) continue;
        open.push_back(&held);
        copies.push_back(copy_of(held.job));
    }
    const std::size_t most = std::max<std::size_t>(to_->capabilities().batch_max, 1);
    for (std::size_t begin = 0; begin < open.size(); begin += most) {
        const std::size_t count = std::min(most, open.size() - begin);
        const auto answers = to_->enqueue_each(to_queue(), std::span(copies).subspan(begin, count));
        for (std::size_t i = 0; i < answers.size() && i < count; ++i) {
            // A store that takes all or none says to all what is wrong with one.
            const bool is_alone = count == 1 || !to_->capabilities().atomic_batch;
            if (!answers[i] && !is_alone && !is_of_store(answers[i].error().code())) {
                enqueue_alone(*open[begin + i]);
            } else {
                take_answer(*open[begin + i], answers[i]);
            }
        }
    }
}

void Forwarder::enqueue_alone(Held& held) {
    const NewJob copy = copy_of(held.job);
    const auto answers = to_->enqueue_each(to_queue(), {&copy, 1});
    if (!answers.empty()) take_answer(held, answers.front());
}

void Forwarder::take_answer(Held& held, const Result<Enqueued>& answer) {
    if (answer) {
        note_progress();
        note_target(nullptr);
        held.outcome = Completed{};
        if (answer->duplicate_of.empty()) return;
        const std::lock_guard lock(mutex_);
        ++figures_.duplicates;
        return;
    }
    const Error& error = answer.error();
    if (is_of_store(error.code())) {
        note_target(&error);
        return;
    }
    note_progress();
    log_warn(
        "forward",
        "the target refuses a job",
        {{"job", held.job.id}, {"type", held.job.type}, {"error", error.message()}}
    );
    held.outcome = outcome_of_refusal(error);
}

void Forwarder::extend(Batch& batch) {
    std::vector<std::string> receipts;
    for (const Held& held : batch)
        receipts.push_back(held.job.receipt);
    const auto answers = from_->extend(options_.queue, receipts, options_.lease);
    note_source(answers ? nullptr : &answers.error());
    if (!answers || answers->size() != batch.size()) return;
    Batch left;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Result<Extended>& answer = (*answers)[i];
        Held& held = batch[i];
        if (answer) {
            // Nobody forwards what was cancelled meanwhile.
            if (answer->cancel_requested && !held.outcome) held.outcome = Stopped{};
        } else if (!is_of_store(answer.error().code()) || answer.error().code() == Errc::not_found) {
            const std::lock_guard lock(mutex_);
            ++figures_.lost;
            continue;
        }
        left.push_back(std::move(held));
    }
    batch = std::move(left);
}

bool Forwarder::settle(Batch& batch) {
    std::vector<Settlement> settlements;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!batch[i].outcome) continue;
        settlements.push_back({.receipt = batch[i].job.receipt, .outcome = *batch[i].outcome});
        places.push_back(i);
    }
    if (settlements.empty()) return true;
    const auto answers = from_->settle(options_.queue, settlements);
    note_source(answers ? unsettled_error(*answers) : &answers.error());
    if (!answers || answers->size() != settlements.size()) return false;
    bool all = true;
    std::vector<bool> done(batch.size(), false);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const Result<>& answer = (*answers)[i];
        all = all && !is_unsettled(answer);
        if (is_unsettled(answer)) continue;
        note_progress();
        done[places[i]] = true;
        count_settled(batch[places[i]], answer);
    }
    std::size_t place = 0;
    std::erase_if(batch, [&](const Held&) { return done[place++]; });
    return all;
}

void Forwarder::count_settled(const Held& held, const Result<>& answer) {
    const std::lock_guard lock(mutex_);
    if (!answer) {
        ++figures_.lost;
        return;
    }
    if (!held.outcome) return;
    if (std::holds_alternative<Completed>(*held.outcome)) ++figures_.forwarded;
    if (std::holds_alternative<Dead>(*held.outcome)) ++figures_.refused;
    if (std::holds_alternative<Failed>(*held.outcome)) ++figures_.failed;
    if (std::holds_alternative<Released>(*held.outcome)) ++figures_.released;
}

}  // namespace tranter::providers
