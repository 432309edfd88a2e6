#include "worker/lane.hpp"

#include <algorithm>
#include <utility>

namespace tranter::worker {

void Lane::push(std::shared_ptr<Task> task) {
    const std::string& group = task->job().options.group;
    auto found = by_group_.find(group);
    if (found == by_group_.end()) {
        const auto line = lines_.insert(lines_.end(), Line{.group = group});
        found = by_group_.emplace(line->group, line).first;
    }
    found->second->tasks.push_back(std::move(task));
}

std::shared_ptr<Task> Lane::pop() {
    Line& line = lines_.front();
    std::shared_ptr<Task> task = std::move(line.tasks.front());
    line.tasks.pop_front();
    if (line.tasks.empty()) {
        by_group_.erase(line.group);
        lines_.pop_front();
    } else {
        lines_.splice(lines_.end(), lines_, lines_.begin());
    }
    return task;
}

void Lane::take_until(Moment moment, std::vector<std::shared_ptr<Task>>& taken) {
    for (auto line = lines_.begin(); line != lines_.end();) {
        while (!line->tasks.empty() && line->tasks.front()->added_at <= moment) {
            taken.push_back(std::move(line->tasks.front()));
            line->tasks.pop_front();
        }
        const auto here = line++;
        if (!here->tasks.empty()) continue;
        by_group_.erase(here->group);
        lines_.erase(here);
    }
}

Moment Lane::oldest() const {
    Moment oldest = Moment::max();
    for (const Line& line : lines_)
        oldest = std::min(oldest, line.tasks.front()->added_at);
    return oldest;
}

}  // namespace tranter::worker
