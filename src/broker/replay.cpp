#include "broker/replay.hpp"

#include "log/scan.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace tranter::broker {

void Replay::record(log::Position at, log::RecordType type, std::string_view body) {
    at_ = at;
    if (const auto read = decode(type, body, decoded_); !read) {
        throw log::CorruptLog(
            log::segment_name(log::segment_of(at)) + ", offset " +
            std::to_string(log::offset_of(at)) + ": " + read.error().message()
        );
    }
    std::visit([this](const auto& record) { apply(record); }, decoded_.record);
    if (!leave_bytes_) return;
    const auto home = message_key(type, body);
    QueueReplay* queue = home ? find(home->queue) : nullptr;
    if (queue != nullptr) queue->leave_bytes(home->slot, home->sequence, at);
}

Restored Replay::finish() {
    Restored restored{.deleted = std::move(deleted_), .last_queue = last_queue_};
    for (auto& [id, queue] : queues_)
        restored.queues.push_back(queue->finish(newest_));
    queues_.clear();
    last_found_queue_ = nullptr;
    for (auto& [id, task] : tasks_)
        restored.tasks.push_back(std::move(task));
    std::ranges::sort(restored.tasks, {}, [](const RestoredTask& task) {
        return std::pair(task.task.started, task.position);
    });
    return restored;
}

QueueReplay* Replay::find(QueueId id) {
    if (last_found_queue_ != nullptr && last_found_ == id) return last_found_queue_;
    const auto found = queues_.find(id);
    if (found == queues_.end()) return nullptr;
    last_found_ = id;
    last_found_queue_ = found->second.get();
    return last_found_queue_;
}

void Replay::saw(Instant when) {
    newest_ = std::max(newest_, when);
}

void Replay::saw_queue(QueueId id) {
    last_queue_ = std::max(last_queue_, id);
}

void Replay::apply(const record::StoreImage& image) {
    saw_queue(image.last_queue);
}

void Replay::apply(const record::QueueCreated& created) {
    saw(created.at);
    saw_queue(created.queue);
    deleted_.erase(std::string(created.name));
    queues_[created.queue] = std::make_unique<QueueReplay>(created, log::segment_of(at_));
    last_found_queue_ = nullptr;
}

void Replay::apply(const record::QueueImage& image) {
    saw(image.modified);
    saw_queue(image.queue);
    if (QueueReplay* queue = find(image.queue)) {
        queue->apply(image, log::segment_of(at_));
        return;
    }
    queues_[image.queue] = std::make_unique<QueueReplay>(image, log::segment_of(at_));
}

void Replay::apply(const record::QueueDeleted& deleted) {
    saw(deleted.at);
    const auto found = queues_.find(deleted.queue);
    if (found == queues_.end()) return;
    deleted_[found->second->name()] = deleted.at;
    queues_.erase(found);
    last_found_queue_ = nullptr;
}

void Replay::apply(const record::QueueChanged& change) {
    saw(change.at);
    if (QueueReplay* queue = find(change.queue)) queue->apply(change);
}

void Replay::apply(const record::QueuePurged& purge) {
    saw(purge.at);
    if (QueueReplay* queue = find(purge.queue)) queue->apply(purge);
}

void Replay::apply(const record::MessageSent& sent) {
    saw(sent.at);
    if (QueueReplay* queue = find(sent.queue)) queue->apply(sent, std::move(decoded_.payload));
}

void Replay::apply(const record::MessageDeleted& deleted) {
    if (QueueReplay* queue = find(deleted.queue)) queue->apply(deleted);
}

void Replay::apply(const record::LeaseChanged& change) {
    saw(change.state.received_at);
    if (QueueReplay* queue = find(change.queue)) queue->apply(change);
}

void Replay::apply(const record::MessageNoted& noted) {
    if (QueueReplay* queue = find(noted.queue)) queue->apply(noted);
}

void Replay::apply(const record::MessageReplaced& replaced) {
    saw(replaced.at);
    QueueReplay* queue = find(replaced.queue);
    if (queue != nullptr) queue->apply(replaced, std::move(decoded_.stored));
}

void Replay::apply(const record::MessageMoved& moved) {
    saw(moved.at);
    if (QueueReplay* from = find(moved.from)) from->left(moved);
    if (QueueReplay* to = find(moved.to)) to->arrived(moved, std::move(decoded_.transfer));
}

void Replay::apply(const record::MessageImage& image) {
    saw(std::max(decoded_.stored.sent_at, decoded_.stored.moved_at));
    saw(decoded_.stored.delivery.received_at);
    QueueReplay* queue = find(image.queue);
    if (queue == nullptr) return;
    const MessageKey key{
        .queue = image.queue, .slot = decoded_.stored.slot, .sequence = decoded_.stored.sequence};
    if (queue->knows(key.slot, key.sequence)) copies_[key] = at_;
    queue->apply(image, std::move(decoded_.stored));
}

void Replay::apply(const record::DeduplicationImage& image) {
    saw(image.entry->at);
    QueueReplay* queue = find(image.queue);
    if (queue != nullptr) queue->apply(image, std::move(decoded_.deduplication));
}

void Replay::apply(const record::MoveTaskChanged& change) {
    saw(change.at);
    const auto status = parse_status(change.status);
    tasks_[std::string(change.task_id)] = {
        .task =
            {.id = std::string(change.task_id),
             .destination = std::string(change.destination),
             .max_per_second = change.max_per_second,
             // A later version may have more of them.
             .status = status.value_or(MoveTask::Status::failed),
             .moved = change.moved,
             .to_move = change.to_move,
             .failure = std::string(change.failure),
             .started = change.started},
        .source = change.source,
        .position = at_};
}

}  // namespace tranter::broker
