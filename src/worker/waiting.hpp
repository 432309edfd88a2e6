#pragma once

#include "worker/lane.hpp"
#include "worker/places.hpp"
#include "worker/task.hpp"
#include "worker/turns.hpp"

#include <tranter/worker_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tranter::worker {

/// A run that is to be executed, or was.
struct Work {
    std::shared_ptr<Task> task{};
    std::uint32_t run = 1;
};

/// What a worker has received and not begun, and which of it is next:
///
///     received ──> a place in every limit? ──yes──> ready, in a lane of its queue ──> begun
///                       │ no                           ▲
///                       └───> blocked ── one is free ──┘
///
/// A job holds its places from when it is ready until its last run has ended. Not thread-safe.
class Waiting {
  public:
    struct Config {
        std::vector<WorkerQueue> queues{};
        QueueOrder order = QueueOrder::weighted;
        std::size_t group_concurrency = 0;
    };
    explicit Waiting(const Config& config);

    /// Whether it may begin; otherwise it is blocked.
    bool add(std::shared_ptr<Task> task, std::size_t queue, Moment now);
    /// Of the blocked jobs of the queue, of which there is one, the one that came last; it is not
    /// here any more.
    std::shared_ptr<Task> take_newest_blocked(std::size_t queue);
    /// A further run of a job that has begun: goes before all others.
    void add_run(Work work) { further_.push_front(std::move(work)); }
    /// Whether anything may begin.
    bool is_ready() const { return ready_runs_ > 0 || !further_.empty(); }
    /// What is to begin; is_ready().
    Work take();
    /// A run has ended that no other follows. Its place goes to the next when it was the last.
    void ended(Task& task, Moment now);

    /// Those that have waited too long, which are not here any more: for somebody to be free, or
    /// for a place.
    struct Overdue {
        std::vector<std::shared_ptr<Task>> ready{};
        std::vector<std::shared_ptr<Task>> blocked{};
    };
    Overdue take_overdue(Moment now);
    Moment next_overdue() const;
    /// All that have not begun.
    std::vector<std::shared_ptr<Task>> take_unstarted();

    std::size_t ready_runs() const { return ready_runs_ + further_.size(); }
    std::size_t blocked() const;
    std::size_t blocked_of(std::size_t queue) const { return blocked_[queue].size(); }
    /// Since when the one is blocked that is it longest; Moment::max() when there is none.
    Moment oldest_blocked(std::size_t queue) const;
    const Places& places() const { return places_; }
    std::size_t queues() const { return lanes_.size(); }

  private:
    using Blocked = std::deque<std::shared_ptr<Task>>;

    bool make_ready(const std::shared_ptr<Task>& task, Moment now);
    void unblock(Moment now);
    void forget(const std::vector<std::shared_ptr<Task>>& tasks);

    Places places_;
    Turns turns_;
    std::vector<Lane> lanes_;       // of each queue
    std::vector<Blocked> blocked_;  // of each queue, in the order in which they came
    std::deque<Work> further_;
    std::size_t ready_runs_ = 0;  // of the jobs in lanes_, those that may begin at first
};

}  // namespace tranter::worker
