#include "broker/broker.hpp"

#include "broker/broker_impl.hpp"

#include <utility>

namespace tranter::broker {
namespace {

Result<> check_settings(const QueueSettings& settings) {
    const std::size_t bytes = settings_bytes(settings);
    if (bytes <= settings_bytes_max) return {};
    return fail(
        Errc::limit_exceeded,
        "tags and attributes of the queue have " + std::to_string(bytes) + " bytes, limit is " +
            std::to_string(settings_bytes_max)
    );
}

}  // namespace

Broker::Broker(BrokerOptions options, const Clock& clock, Journal& journal)
    : impl_(std::make_unique<Impl>(options, clock, journal)) {}

Broker::~Broker() = default;

const ReceiptCodec& Broker::receipts() const {
    return impl_->receipts;
}

Journal& Broker::journal() {
    return impl_->journal;
}

Instant Broker::now() const {
    return impl_->clock.now();
}

Duration Broker::wall_ahead() const {
    return impl_->clock.wall_ahead();
}

std::uint64_t Broker::bytes() const {
    return impl_->totals->bytes.load(std::memory_order_relaxed);
}

std::vector<MovedSlot> Broker::restore(Restored restored) {
    std::vector<MovedSlot> moved;
    const Instant now = impl_->clock.now();
    impl_->last_id = restored.last_queue;
    impl_->deleted_at.insert(restored.deleted.begin(), restored.deleted.end());
    for (RestoredQueue& stored : restored.queues) {
        auto queue = std::make_shared<Queue>(
            stored.id, stored.name, *stored.settings, stored.created, impl_->totals
        );
        Queue::State& state = queue->state();
        Aftermath aftermath;
        {
            const QueueLock lock(state);
            state.modified = stored.modified;
            state.purged = stored.purged;
            const auto elsewhere = state.engine.restore(
                std::move(stored.messages),
                std::move(stored.deduplication),
                stored.last_sequence,
                now
            );
            for (const auto& [slot, sequence] : elsewhere)
                moved.push_back({.queue = stored.id, .slot = slot, .sequence = sequence});
            impl_->plan_look(queue, now, aftermath);
            // What ended while nobody looked is reported by the first run_due().
            if (state.engine.last_sequence() > 0) impl_->events.schedule(queue, now);
        }
        impl_->by_name.emplace(queue->name(), queue);
        impl_->by_id.emplace(queue->id(), queue);
    }
    impl_->restore_tasks(restored.tasks);
    return moved;
}

Result<QueueHandle> Broker::create_queue(std::string_view name, QueueSettings settings) {
    if (auto fits = check_settings(settings); !fits) return std::unexpected(fits.error());
    const Instant now = impl_->clock.now();
    if (auto admitted = impl_->admit(true); !admitted) return std::unexpected(admitted.error());
    const std::unique_lock lock(impl_->registry_mutex);
    if (impl_->by_name.contains(name)) {
        return fail(Errc::already_exists, "queue " + std::string(name) + " exists already");
    }
    if (const auto deleted = impl_->deleted_at.find(name); deleted != impl_->deleted_at.end()) {
        if (now < deleted->second + impl_->options.delete_cooldown) {
            return fail(Errc::conflict, "queue " + std::string(name) + " was deleted just now");
        }
        impl_->deleted_at.erase(deleted);
    }
    auto queue = std::make_shared<Queue>(
        ++impl_->last_id, std::string(name), std::move(settings), now, impl_->totals
    );
    const SettingsSnapshot initial = queue->state().settings;
    impl_->journal.append(record::QueueCreated{
        .queue = queue->id(), .name = queue->name(), .settings = initial.get(), .at = now});
    impl_->by_name.emplace(queue->name(), queue);
    impl_->by_id.emplace(queue->id(), queue);
    return queue;
}

QueueHandle Broker::Impl::find(std::string_view name) const {
    const std::shared_lock lock(registry_mutex);
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
}

QueueHandle Broker::Impl::find(QueueId id) const {
    const std::shared_lock lock(registry_mutex);
    const auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : found->second;
}

QueueHandle Broker::find_queue(std::string_view name) const {
    return impl_->find(name);
}

QueueHandle Broker::find_queue(QueueId id) const {
    return impl_->find(id);
}

std::vector<QueueHandle> Broker::list_queues(
    std::string_view prefix, std::string_view after, std::size_t max
) const {
    std::vector<QueueHandle> queues;
    const std::shared_lock lock(impl_->registry_mutex);
    auto at = impl_->by_name.lower_bound(prefix);
    if (after >= prefix) at = impl_->by_name.upper_bound(after);
    for (; at != impl_->by_name.end() && queues.size() < max; ++at) {
        if (!at->first.starts_with(prefix)) break;
        queues.push_back(at->second);
    }
    return queues;
}

std::vector<QueueHandle> Broker::dead_letter_sources(std::string_view name) const {
    std::vector<QueueHandle> all = list_queues({}, {}, std::string::npos);
    std::erase_if(all, [&](const QueueHandle& queue) {
        return queue->settings()->dead_letter_queue != name;
    });
    return all;
}

Result<Position> Broker::delete_queue(const QueueHandle& queue) {
    if (auto admitted = impl_->admit(false); !admitted) return std::unexpected(admitted.error());
    Queue::State& state = queue->state();
    std::shared_ptr<void> debris;
    Instant now{};
    Position position = 0;
    {
        const QueueLock lock(state);
        now = impl_->clock.now();
        if (std::exchange(state.deleted, true)) return gone(state);
        debris = state.engine.purge(now);
        position = impl_->journal.append(record::QueueDeleted{.queue = queue->id(), .at = now});
    }
    {
        const std::unique_lock lock(impl_->registry_mutex);
        impl_->by_name.erase(queue->name());
        impl_->by_id.erase(queue->id());
        std::erase_if(impl_->deleted_at, [&](const auto& entry) {
            return now >= entry.second + impl_->options.delete_cooldown;
        });
        if (impl_->options.delete_cooldown > Duration::zero()) {
            impl_->deleted_at[queue->name()] = now;
        }
    }
    impl_->events.remove(*queue);
    impl_->drop_waiters(queue);
    const std::lock_guard lock(impl_->tasks_mutex);
    std::erase_if(impl_->tasks, [&](const Impl::Task& task) { return task.source == queue; });
    return position;
}

Result<Position> Broker::purge(const QueueHandle& queue) {
    if (auto admitted = impl_->admit(false); !admitted) return std::unexpected(admitted.error());
    Queue::State& state = queue->state();
    std::shared_ptr<void> debris;  // destroyed after the lock
    const QueueLock lock(state);
    const Instant now = impl_->clock.now();
    if (state.deleted) return gone(state);
    if (state.purged && now < *state.purged + impl_->options.purge_cooldown) {
        return fail(Errc::conflict, "queue " + queue->name() + " was purged just now");
    }
    state.purged = now;
    debris = state.engine.purge(now);
    return impl_->journal.append(record::QueuePurged{.queue = queue->id(), .at = now});
}

Result<Position> Broker::change_settings(
    const QueueHandle& queue, const std::function<Result<void>(QueueSettings&)>& change
) {
    if (auto admitted = impl_->admit(true); !admitted) return std::unexpected(admitted.error());
    Queue::State& state = queue->state();
    Aftermath aftermath;
    Position position = 0;
    {
        const QueueLock lock(state);
        const Instant now = impl_->clock.now();
        if (state.deleted) return gone(state);
        auto changed = std::make_shared<QueueSettings>(*state.settings);
        if (auto result = change(*changed); !result) return std::unexpected(result.error());
        if (auto fits = check_settings(*changed); !fits) return std::unexpected(fits.error());
        // Fixed at creation.
        const engine::QueuePolicy& before = state.settings->engine;
        changed->engine.groups.order = before.groups.order;
        changed->engine.deduplication_scope = before.deduplication_scope;
        if (changed->engine != state.settings->engine) {
            state.engine.set_policy(changed->engine, now);
        }
        state.settings = changed;
        state.modified = now;
        position = impl_->journal.append(record::QueueChanged{
            .queue = queue->id(), .settings = changed.get(), .at = now});
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return position;
}

std::optional<Instant> Broker::next_event() const {
    const auto queues = impl_->events.next();
    const auto tasks = impl_->next_slice();
    if (!queues) return tasks;
    if (!tasks) return queues;
    return std::min(*queues, *tasks);
}

void Broker::run_due() {
    for (const QueueHandle& queue : impl_->events.take_due(impl_->clock.now()))
        impl_->run_due(queue);
    impl_->run_move_tasks(impl_->clock.now());
}

void Broker::Impl::run_due(const QueueHandle& queue) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    {
        const QueueLock lock(state);
        if (state.deleted) return;
        const Instant now = clock.now();
        state.engine.advance(now);
        if (state.hand_on_until != 0) {
            hand_on(state, now, aftermath);
        } else {
            serve_waiters(state, now, aftermath);
        }
        plan(queue, now, aftermath);
    }
    aftermath.earlier_event = false;  // the caller asks for next_event() next
    finish(queue, std::move(aftermath));
}

void Broker::on_earlier_event(std::function<void()> hook) {
    impl_->on_earlier_event = std::move(hook);
}

void Broker::stop() {
    impl_->stopping = true;
    for (const QueueHandle& queue : list_queues({}, {}, std::string::npos)) {
        impl_->drop_waiters(queue);
    }
}

bool Broker::stopping() const {
    return impl_->stopping;
}

std::size_t Broker::waiting() const {
    return impl_->waiting;
}

}  // namespace tranter::broker
