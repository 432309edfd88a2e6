#pragma once

#include "jobs/forwarding.hpp"

#include <tranter/provider.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace tranter::providers {

struct ForwarderOptions {
    std::string queue{};
    std::string to_queue{};  // empty: the same
    std::size_t batch_max = 100;
    Milliseconds lease = std::chrono::seconds(60);
    Milliseconds poll_wait = std::chrono::seconds(20);
    std::string name{};          // shown among the workers of the source
    bool until_empty = false;    // ends once nothing is due, or nothing has worked for a lease
    bool without_dedup = false;  // leaves keys behind, which the target may not be able to keep
    bool without_priority = false;
};

/// Moves jobs from a queue of one store to one of another, in the order in which the source hands
/// them out: received with a lease, enqueued under the same id, settled once the target has them.
/// When the target does not answer they are held, and tried again with pauses of up to 5 s.
///
/// A job is in the target once as long as that knows ids: whoever is killed between both calls, or
/// loses the lease, leaves the job to be forwarded again. Its attempts and steps begin anew there,
/// a ttl becomes the deadline that it was.
class Forwarder {
  public:
    Forwarder(
        std::shared_ptr<Provider> from, std::shared_ptr<Provider> to, ForwarderOptions options
    );

    /// Until the stop, at which what is in hand is finished or given back. An error when the source
    /// refuses to be asked at all; with `until_empty` also Errc::unavailable, with the reason, when
    /// nothing has worked for the time of a lease, and what is in hand is given back.
    [[nodiscard]] Result<> run(const std::stop_token& stop);

    /// Thread-safe.
    jobs::ForwardingFigures figures() const;

  private:
    /// A job in hand.
    struct Held {
        ReceivedJob job{};
        std::optional<AttemptOutcome> outcome{};
    };
    using Batch = std::vector<Held>;

    Result<std::vector<ReceivedJob>> receive(const std::stop_token& stop);
    /// An error when it is hopeless.
    Result<> forward(std::vector<ReceivedJob> jobs, const std::stop_token& stop);
    void enqueue(Batch& batch);
    void enqueue_alone(Held& held);
    void take_answer(Held& held, const Result<Enqueued>& answer);
    void extend(Batch& batch);
    /// Settles what has an outcome. False when the source did not answer.
    bool settle(Batch& batch);
    void count_settled(const Held& held, const Result<>& answer);

    NewJob copy_of(const ReceivedJob& job) const;
    const std::string& to_queue() const;
    void note_source(const Error* error);
    void note_target(const Error* error);
    void note_progress() { progress_at_ = std::chrono::steady_clock::now(); }
    /// Whoever waits for the end of this has to be told that nothing works.
    bool is_hopeless() const;
    Error why_hopeless() const;

    const std::shared_ptr<Provider> from_;  // shared with whoever opened it
    const std::shared_ptr<Provider> to_;
    const ForwarderOptions options_;

    std::chrono::steady_clock::time_point progress_at_{};  // used by run()
    mutable std::mutex mutex_;
    jobs::ForwardingFigures figures_{};  // guarded by mutex_
};

}  // namespace tranter::providers
