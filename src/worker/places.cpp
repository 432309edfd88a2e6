#include "worker/places.hpp"

#include <utility>

namespace tranter::worker {

namespace {

bool is_full(std::size_t held, std::size_t limit) {
    return limit > 0 && held >= limit;
}

}  // namespace

Places::Places(Config config) : config_(std::move(config)), queues_(config_.of_queues.size()) {}

void Places::enter(Task& task, std::size_t queue) {
    task.seat = {.queue = queue};
    const std::string& group = task.job().options.group;
    if (group.empty()) return;
    task.seat.group = &groups_[group];
    ++task.seat.group->here;
}

void Places::leave(Task& task) {
    Task::Group* const group = std::exchange(task.seat.group, nullptr);
    if (group != nullptr && --group->here == 0) groups_.erase(task.job().options.group);
}

bool Places::has_place(const Task& task) const {
    const Task::Seat& seat = task.seat;
    if (is_full(queues_[seat.queue], config_.of_queues[seat.queue])) return false;
    if (seat.group != nullptr && is_full(seat.group->held, config_.of_group)) return false;
    const std::size_t limit = limit_of(task.entry());
    if (limit == 0) return true;
    const auto held = handlers_.find(task.entry());
    return held == handlers_.end() || !is_full(held->second, limit);
}

bool Places::take(Task& task) {
    if (!has_place(task)) return false;
    Task::Seat& seat = task.seat;
    if (limit_of(task.entry()) > 0) ++handlers_[task.entry()];
    ++queues_[seat.queue];
    if (seat.group != nullptr) ++seat.group->held;
    seat.is_taken = true;
    return true;
}

void Places::give_back(Task& task) {
    Task::Seat& seat = task.seat;
    if (!std::exchange(seat.is_taken, false)) return;
    --queues_[seat.queue];
    if (seat.group != nullptr) --seat.group->held;
    if (limit_of(task.entry()) > 0) --handlers_[task.entry()];
}

std::size_t Places::held_by_group(const Task& task) {
    return task.seat.group == nullptr ? 0 : task.seat.group->held;
}

Places::Held Places::held() const {
    Held held{.known_groups = groups_.size()};
    for (const std::size_t each : queues_)
        held.queues += each;
    for (const auto& [handler, each] : handlers_)
        held.handlers += each;
    for (const auto& [name, group] : groups_)
        held.groups += group.held;
    return held;
}

}  // namespace tranter::worker
