#pragma once

#include "worker/task.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace tranter::worker {

/// The limits of this worker on the jobs of a queue, of a handler and of a group, and who holds a
/// place in them. A job takes a place in each of the three, or in none. Not thread-safe; what it
/// keeps with a task is Task::seat.
class Places {
  public:
    /// 0: no limit.
    struct Config {
        std::vector<std::size_t> of_queues{};  // in the order of the queues
        std::size_t of_group = 0;
    };
    explicit Places(Config config);

    /// A job of the queue has come, before anything else is asked about it.
    void enter(Task& task, std::size_t queue);
    /// It is no longer here, and holds no place.
    void leave(Task& task);

    /// Whether each of the three has a place left.
    bool has_place(const Task& task) const;
    /// False when one has not, and nothing was taken.
    [[nodiscard]] bool take(Task& task);
    /// Nothing happens when it holds none.
    void give_back(Task& task);

    /// How many jobs of its group hold a place.
    static std::size_t held_by_group(const Task& task);
    std::size_t held_by_queue(std::size_t queue) const { return queues_[queue]; }
    std::size_t limit_of_queue(std::size_t queue) const { return config_.of_queues[queue]; }

    /// For tests: places that are held in limits of any kind, and groups that are known.
    struct Held {
        std::size_t queues = 0;
        std::size_t handlers = 0;
        std::size_t groups = 0;
        std::size_t known_groups = 0;

        bool operator==(const Held&) const = default;
    };
    Held held() const;

  private:
    static std::size_t limit_of(const Registry::Entry* handler) {
        return handler == nullptr ? 0 : handler->options.concurrency;
    }

    Config config_;
    std::vector<std::size_t> queues_;
    std::unordered_map<const Registry::Entry*, std::size_t> handlers_;  // those with a limit
    std::unordered_map<std::string, Task::Group> groups_;               // of jobs that are here
};

}  // namespace tranter::worker
