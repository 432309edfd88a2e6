#include "base/uuid.hpp"
#include "broker/broker_impl.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::broker {
namespace {

/// Messages moved under one hold of the source's mutex, and messages looked at.
constexpr std::size_t slice_max = 500;
constexpr std::size_t looks_max = 1000;
/// Finished tasks remembered for each source (ListMessageMoveTasks shows at most ten).
constexpr std::size_t remembered_per_source = 10;

/// A task that cannot go on now looks again after this.
constexpr Duration written_pause = std::chrono::milliseconds(1);
constexpr Duration pause = std::chrono::seconds(1);

using Status = MoveTask::Status;
constexpr std::array<std::pair<Status, std::string_view>, 5> status_texts{{
    {Status::running, "running"},
    {Status::completed, "completed"},
    {Status::cancelling, "cancelling"},
    {Status::cancelled, "cancelled"},
    {Status::failed, "failed"},
}};

}  // namespace

std::string_view status_text(MoveTask::Status status) {
    for (const auto& [value, text] : status_texts) {
        if (value == status) return text;
    }
    return {};
}

std::optional<MoveTask::Status> parse_status(std::string_view text) {
    for (const auto& [value, known] : status_texts) {
        if (known == text) return value;
    }
    return std::nullopt;
}

Result<MoveTask> Broker::start_move_task(
    const QueueHandle& source, std::string_view destination, std::uint32_t max_per_second
) {
    if (auto admitted = impl_->admit(true); !admitted) return std::unexpected(admitted.error());
    if (!destination.empty() && !find_queue(destination)) {
        return fail(Errc::not_found, "queue " + std::string(destination) + " does not exist");
    }
    const Instant now = impl_->clock.now();
    MoveTask view{
        .id = format_uuid(make_uuid()),
        .source = source->name(),
        .destination = std::string(destination),
        .max_per_second = max_per_second,
        .to_move = source->counters(now).visible,
        .started = now};
    {
        const std::lock_guard lock(impl_->tasks_mutex);
        std::size_t remembered = 0;
        for (const Impl::Task& task : impl_->tasks) {
            if (task.view.source == source->name() && task.view.status == Status::running) {
                return fail(Errc::conflict, "a move task is running for " + source->name());
            }
        }
        std::erase_if(impl_->tasks, [&](const Impl::Task& task) {
            return task.view.source == source->name() && ++remembered >= remembered_per_source;
        });
        impl_->tasks.push_front({.view = view, .source = source, .next_slice = now});
        impl_->log_task(impl_->tasks.front());
    }
    impl_->earlier_event();
    return view;
}

Result<MoveTask> Broker::cancel_move_task(std::string_view id) {
    if (auto admitted = impl_->admit(false); !admitted) return std::unexpected(admitted.error());
    const std::lock_guard lock(impl_->tasks_mutex);
    for (Impl::Task& task : impl_->tasks) {
        if (task.view.id != id || task.view.status != Status::running) continue;
        impl_->settle(task, Status::cancelled, {});
        return task.view;
    }
    return fail(Errc::not_found, "no running move task " + std::string(id));
}

std::vector<MoveTask> Broker::list_move_tasks(std::string_view source, std::size_t max) const {
    std::vector<MoveTask> views;
    const std::lock_guard lock(impl_->tasks_mutex);
    for (const Impl::Task& task : impl_->tasks) {
        if (views.size() >= max) break;
        if (task.view.source == source) views.push_back(task.view);
    }
    return views;
}

std::optional<Instant> Broker::Impl::next_slice() const {
    std::optional<Instant> next;
    const std::lock_guard lock(tasks_mutex);
    for (const Task& task : tasks) {
        if (task.view.status != Status::running) continue;
        next = next ? std::min(*next, task.next_slice) : task.next_slice;
    }
    return next;
}

void Broker::Impl::run_move_tasks(Instant now) {
    std::vector<Unfinished> later;
    {
        const std::lock_guard lock(tasks_mutex);
        for (Task& task : tasks) {
            const bool due = task.view.status == Status::running && task.next_slice <= now;
            if (due) run_move_task(task, now, later);
        }
    }
    for (Unfinished& one : later)
        finish(one.queue, std::move(one.aftermath));
}

void Broker::Impl::run_move_task(Task& task, Instant now, std::vector<Unfinished>& later) {
    if (!journal.is_written(task.slice)) {
        // The slice before still waits in memory to be written.
        task.next_slice = now + written_pause;
    } else if (admit(true)) {
        run_slice(task, now, later);
        task.slice = task.position;
        journal.when_written(task.slice, [](bool) {});
    } else {
        task.next_slice = now + pause;
    }
}

void Broker::Impl::run_slice(Task& task, Instant now, std::vector<Unfinished>& later) {
    const std::string& name = task.view.destination;
    const QueueHandle fixed = name.empty() ? nullptr : find(name);
    if (!name.empty() && !fixed) {
        settle(task, Status::failed, "AWS.SimpleQueueService.NonExistentQueue");
        return;
    }

    Queue::State& source = task.source->state();
    Transfers::Token under_way;
    std::vector<engine::Transfer> moving;
    engine::MoveOut wanted{
        .max = task.view.max_per_second > 0 ? 1 : slice_max, .looks_max = looks_max};
    wanted.accept = [&](const engine::MessageView& message) {
        const bool known = fixed != nullptr || find(message.source_queue) != nullptr;
        task.found_strangers |= !known;
        return known;
    };
    bool gone = false;
    {
        const QueueLock lock(source);
        gone = source.deleted;
        if (!gone) moving = source.engine.move_out(wanted, task.progress, now);
        if (!moving.empty()) under_way = transfers.begin();
    }
    for (engine::Transfer& transfer : moving)
        redrive(task, fixed, std::move(transfer), later);
    under_way = {};
    if (gone || task.progress.done) {
        const bool stuck = !gone && task.view.moved == 0 && task.found_strangers;
        if (stuck) {
            settle(task, Status::failed, "CouldNotDetermineMessageSource");
        } else {
            settle(task, Status::completed, {});
        }
        return;
    }
    task.next_slice = now;
    if (moving.empty()) return;
    if (const auto rate = task.view.max_per_second; rate > 0) {
        task.next_slice += Duration(std::chrono::seconds(1)) / rate;
    }
    log_task(task);
}

void Broker::Impl::redrive(
    Task& task, const QueueHandle& fixed, engine::Transfer message, std::vector<Unfinished>& later
) {
    if (!bring_back(message.payload)) return;
    const QueueId source = task.source->id();
    const QueueHandle target = fixed ? fixed : find(message.source_queue);
    const engine::Transfer original = message;
    // A redriven message counts as new (SQS_SPEC 8.3).
    const Uuid id = make_uuid();
    const bool keeps_deduplication = target && target->fifo();
    message.payload =
        message.payload.with_identity(id, keeps_deduplication ? format_uuid(id) : std::string());
    message.sent_at = clock.now();
    message.first_received_at = {};
    message.receive_count = 0;
    message.source_queue = 0;
    if (target && deliver_transfer(source, target, message, later)) {
        ++task.view.moved;
    } else {
        give_back(task.source, original, later);
    }
}

void Broker::Impl::settle(Task& task, MoveTask::Status status, std::string failure) {
    task.view.status = status;
    task.view.failure = std::move(failure);
    log_task(task);
}

void Broker::Impl::log_task(Task& task) {
    task.position = journal.append(record::MoveTaskChanged{
        .task_id = task.view.id,
        .source = task.source->id(),
        .destination = task.view.destination,
        .status = status_text(task.view.status),
        .failure = task.view.failure,
        .max_per_second = task.view.max_per_second,
        .moved = task.view.moved,
        .to_move = task.view.to_move,
        .started = task.view.started,
        .at = clock.now()});
}

void Broker::Impl::restore_tasks(const std::vector<RestoredTask>& stored) {
    for (const RestoredTask& one : stored) {
        const auto source = by_id.find(one.source);
        if (source == by_id.end()) continue;
        Task task{.view = one.task, .source = source->second, .position = one.position};
        task.view.source = source->second->name();
        tasks.push_front(std::move(task));
    }
}

}  // namespace tranter::broker
