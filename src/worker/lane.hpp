#pragma once

#include "worker/task.hpp"

#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::worker {

/// Jobs of one queue that may begin as soon as somebody is free. Groups take turns; within one, the
/// first comes first. Not thread-safe.
class Lane {
  public:
    bool is_empty() const { return lines_.empty(); }
    void push(std::shared_ptr<Task> task);
    /// There is one.
    std::shared_ptr<Task> pop();
    /// Those that were pushed at this moment or before, by Task::added_at.
    void take_until(Moment moment, std::vector<std::shared_ptr<Task>>& taken);
    /// When the one that waits longest was pushed; Moment::max() when there is none.
    Moment oldest() const;

  private:
    struct Line {
        std::string group{};
        std::deque<std::shared_ptr<Task>> tasks{};
    };

    std::list<Line> lines_;  // none is empty; the next in turn first
    std::unordered_map<std::string_view, std::list<Line>::iterator> by_group_;
};

}  // namespace tranter::worker
