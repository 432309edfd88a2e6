#pragma once

#include "worker/task.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace tranter::worker {

/// A run that is to be executed, or was.
struct Work {
    std::shared_ptr<Task> task{};
    std::uint32_t run = 1;
};

/// Between those who receive jobs and those who run them: what waits, what runs, and how much more
/// is wanted. Also knows which attempts take too long, and which jobs wait here though somebody
/// else could do them. Thread-safe.
///
/// While handlers take long, only as much is wanted as can begin at once. When they are fast, a
/// few milliseconds of work are kept at hand, so that the store is asked for many jobs in one call.
class Board {
  public:
    struct Config {
        std::size_t concurrency = 1;
        std::size_t queues = 1;
        std::size_t batch_max = 1;
    };
    /// `out_of_work` is called, without a lock, when somebody begins to wait for work.
    Board(Config config, std::function<void()> out_of_work);

    /// How many jobs a receiver should ask for. Blocks while that is none; 0 when the end has come.
    std::size_t wait_for_room();
    /// Just received. False when the end has come: they are to be given back.
    [[nodiscard]] bool add(std::span<const std::shared_ptr<Task>> tasks);

    /// Called by the executor `slot`: what it did last, if anything, for what is to be done next.
    /// `next` is the run of the same job that may begin now. Blocks until there is work; false when
    /// the end has come and nothing is left.
    bool exchange(std::size_t slot, Work& work, std::optional<std::uint32_t> next);
    /// Whether work waits, so that the next outcome is only a moment away.
    bool is_busy() const { return waiting_count_.load(std::memory_order_relaxed) > 0; }

    /// Reports attempts whose timeout has passed, and runs that have waited too long to begin,
    /// which are no longer here then. Blocks until there are any; nothing once `stop` is requested.
    struct Overdue {
        std::vector<std::shared_ptr<Task>> timed_out{};
        std::vector<Work> unstarted{};
    };
    Overdue wait_for_overdue(const std::stop_token& stop);

    /// Nothing is received any more. What was not begun, which is no longer here then.
    std::vector<Work> close();
    /// Once all runs have ended.
    bool wait_until_idle(Moment until);
    std::vector<std::shared_ptr<Task>> running() const;

    struct Load {
        std::size_t running = 0;
        std::size_t waiting = 0;
    };
    Load load() const;

  private:
    struct Slot {
        std::shared_ptr<Task> task{};
        Moment begun_at{};
    };

    std::size_t room() const;
    std::size_t at_hand() const;
    void wake_receivers();
    void begin(Slot& slot, const Work& work, Moment now);
    void end(Slot& slot, Moment now);
    Moment next_overdue() const;
    void take_timed_out(Moment now, Overdue& overdue);
    /// Those of which no run has begun.
    std::vector<Work> take_unstarted(Moment added_until);

    const Config config_;
    const std::function<void()> out_of_work_;

    mutable std::mutex mutex_;
    std::condition_variable work_came_;
    std::condition_variable room_came_;
    std::condition_variable became_idle_;
    std::condition_variable_any overdue_changed_;
    // Guarded by mutex_:
    std::deque<Work> waiting_;
    std::vector<Slot> slots_;
    std::size_t running_ = 0;
    std::size_t idle_executors_ = 0;
    std::size_t idle_receivers_ = 0;
    double usual_micros_;  // that a run takes
    Moment overdue_wakes_at_{};
    bool is_closed_ = false;
    std::atomic<std::size_t> waiting_count_ = 0;  // as waiting_, for those without the mutex
};

}  // namespace tranter::worker
