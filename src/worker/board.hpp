#pragma once

#include "worker/asking.hpp"
#include "worker/task.hpp"
#include "worker/waiting.hpp"

#include <tranter/worker_queue.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace tranter::worker {

/// Between those who receive jobs and those who run them: what waits, what runs, and how much more
/// is wanted. Also knows which attempts take too long, and which jobs wait here though somebody
/// else could do them. Thread-safe.
///
/// While handlers take long, only as much is wanted as can begin at once. When they are fast, a
/// few milliseconds of work are kept at hand, so that the store is asked for many jobs in one call.
/// Jobs that a limit keeps from beginning do not count as work, but there is a limit to them too.
/// A queue that has reached it is asked again after a moment, for jobs behind those that it gave;
/// what may not begin either is put off, so that the queue has to come to the others.
class Board {
  public:
    struct Config {
        std::size_t concurrency = 1;
        std::vector<WorkerQueue> queues{};
        QueueOrder order = QueueOrder::weighted;
        std::size_t group_concurrency = 0;
        std::size_t batch_max = 1;
        /// Whether a handler has a limit, so that any job may turn out to be blocked.
        bool limits_handlers = false;
        /// Whether jobs may be put off to see what is behind them. Where the store counts each
        /// delivery of a job, that would cost blocked jobs their attempts.
        bool looks_past = true;
        /// For the handlers of an attempt that has timed out to return.
        Milliseconds stop_grace{};
    };
    /// `out_of_work` is called, without a lock, when somebody begins to wait for work.
    Board(Config config, std::function<void()> out_of_work);

    /// What the receiver of the queue should ask for. Blocks while that is nothing, and gives no
    /// jobs when the end has come; else add() has to follow.
    Grant wait_for_room(std::size_t queue);
    /// What the store gave, if anything. False when the end has come: it is to be given back.
    [[nodiscard]] bool add(std::size_t queue, std::span<const std::shared_ptr<Task>> tasks);

    /// Called by the executor `slot`: what it did last, if anything, for what is to be done next.
    /// `next` is the run of the same job that may begin now. Blocks until there is work; false when
    /// the end has come and nothing is left.
    bool exchange(std::size_t slot, Work& work, std::optional<std::uint32_t> next);
    /// Whether work waits, so that the next outcome is only a moment away.
    bool is_busy() const { return ready_runs_.load(std::memory_order_relaxed) > 0; }

    struct PutOff {
        std::shared_ptr<Task> task{};
        Milliseconds time{};
    };
    /// Reports attempts whose timeout has passed, those that still run `stop_grace` later, and jobs
    /// that have waited too long to begin or are to be put off, which are no longer here then.
    /// Blocks until there are any; nothing once `stop` is requested.
    struct Overdue {
        std::vector<std::shared_ptr<Task>> timed_out{};
        std::vector<std::shared_ptr<Task>> deaf{};
        std::vector<std::shared_ptr<Task>> unstarted{};
        std::vector<PutOff> put_off{};

        bool empty() const {
            return timed_out.empty() && deaf.empty() && unstarted.empty() && put_off.empty();
        }
    };
    Overdue wait_for_overdue(const std::stop_token& stop);

    /// Nothing is received any more. What was not begun, which is no longer here then.
    std::vector<std::shared_ptr<Task>> close();
    /// Once all runs have ended.
    bool wait_until_idle(Moment until);
    std::vector<std::shared_ptr<Task>> running() const;

    struct Load {
        std::size_t running = 0;
        std::size_t waiting = 0;
        std::size_t blocked = 0;  // not among those that wait
    };
    Load load() const;
    /// For tests.
    Places::Held held() const;

  private:
    struct Slot {
        std::shared_ptr<Task> task{};
        Moment begun_at{};
    };

    std::size_t at_hand() const;
    std::size_t room() const;
    std::size_t most_of(std::size_t queue, Moment now) const;
    std::size_t blocked_max() const;
    bool is_crowded(std::size_t queue) const;
    Moment next_look(std::size_t queue) const;
    Moment next_chance(std::size_t queue, Moment now) const;
    void take_in(std::size_t queue, std::span<const std::shared_ptr<Task>> tasks, Moment now);
    void invite_receivers(Moment now);
    void wake_executors();
    void begin(Slot& slot, const Work& work, Moment now);
    void end(Slot& slot, Moment now);
    void end_work(const Work& done, std::optional<std::uint32_t> next, Moment now);
    Moment next_overdue() const;
    void take_timed_out(Moment now, Overdue& overdue);
    void take_unstarted(Moment now, Overdue& overdue);

    const Config config_;
    const std::function<void()> out_of_work_;

    mutable std::mutex mutex_;
    std::condition_variable work_came_;
    std::condition_variable room_came_;
    std::condition_variable became_idle_;
    std::condition_variable_any overdue_changed_;
    // Guarded by mutex_:
    Waiting waiting_;
    Asking asking_;
    std::vector<Slot> slots_;
    std::size_t running_ = 0;
    std::size_t idle_executors_ = 0;
    std::size_t idle_receivers_ = 0;
    /// Of each queue, how many jobs to ask for to look past blocked ones; 0: as there is room.
    std::vector<std::size_t> looks_;
    std::vector<PutOff> put_off_;
    double usual_micros_;  // that a run takes
    Moment overdue_wakes_at_{};
    bool is_closed_ = false;
    std::atomic<std::size_t> ready_runs_ = 0;  // of waiting_, for those without the mutex
};

}  // namespace tranter::worker
