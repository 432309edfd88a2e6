#include "broker/queue.hpp"

#include "broker/queue_state.hpp"

namespace tranter::broker {

Queue::Queue(QueueId id, std::string name, QueueSettings settings, Instant created)
    : Queue(id, std::move(name), std::move(settings), created, std::make_shared<Totals>()) {}

Queue::Queue(
    QueueId id,
    std::string name,
    QueueSettings settings,
    Instant created,
    std::shared_ptr<Totals> totals
)
    : state_(std::make_unique<State>(id, std::move(name), std::move(settings), created)) {
    state_->totals = std::move(totals);
}

Queue::~Queue() = default;

QueueId Queue::id() const {
    return state_->id;
}

const std::string& Queue::name() const {
    return state_->name;
}

bool Queue::fifo() const {
    return state_->fifo;
}

Instant Queue::created() const {
    return state_->created;
}

Instant Queue::modified() const {
    const std::lock_guard lock(state_->mutex);
    return state_->modified;
}

SettingsSnapshot Queue::settings() const {
    const std::lock_guard lock(state_->mutex);
    return state_->settings;
}

engine::Counters Queue::counters(Instant now) const {
    const QueueLock lock(*state_);
    state_->engine.advance(now);
    engine::Counters counters = state_->engine.counters();
    // The engine also counts the broker's own attempts for long polls that go on waiting.
    counters.empty_receives = state_->empty_receives;
    return counters;
}

std::optional<Instant> Queue::oldest(Instant now) const {
    const QueueLock lock(*state_);
    state_->engine.advance(now);
    return state_->engine.oldest();
}

std::optional<Instant> Queue::longest_in_flight(Instant now) const {
    const QueueLock lock(*state_);
    state_->engine.advance(now);
    return state_->engine.longest_in_flight();
}

std::size_t Queue::waiting() const {
    const std::lock_guard lock(state_->mutex);
    return state_->waiters.size();
}

std::vector<engine::MessageView> Queue::peek(std::size_t offset, std::size_t max) const {
    const std::lock_guard lock(state_->mutex);
    return state_->engine.peek(offset, max);
}

}  // namespace tranter::broker
