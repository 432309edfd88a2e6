#include "model.hpp"

#include "broker/queue_state.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tranter::store_sim {

std::string Queue::key(const std::string& group, const std::string& id_in) const {
    const bool per_group =
        settings.engine.deduplication_scope == engine::DeduplicationScope::message_group;
    return (per_group ? group : std::string()) + "/" + id_in;
}

const Queue::Remembered* Queue::find_id(const std::string& key_in) const {
    const auto found =
        std::ranges::find(ids, key_in, [](const Remembered& one) { return one.key; });
    return found == ids.end() ? nullptr : &*found;
}

const Queue::Throttle* Queue::find_throttle(const std::string& key_in) const {
    const auto found =
        std::ranges::find(throttles, key_in, [](const Throttle& one) { return one.key; });
    return found == throttles.end() ? nullptr : &*found;
}

const Message* Queue::find_unique(const std::string& key_in, bool waiting) const {
    const Message* newest = nullptr;
    for (const auto& [sequence, message] : messages) {
        if (!message.has_key() || message.traits.unique_key != key_in) continue;
        if (waiting && message.state == Message::State::in_flight) continue;
        newest = &message;
    }
    return newest;
}

bool Queue::held_back(const Message& message) const {
    const bool yields = message.has_key() && message.source_queue == 0 &&
                        message.state == Message::State::visible &&
                        message.traits.uniqueness == engine::Uniqueness::keep_latest;
    return yields && std::ranges::any_of(messages, [&](const auto& entry) {
               const Message& other = entry.second;
               return other.state == Message::State::in_flight && other.has_key() &&
                      other.sequence != message.sequence &&
                      other.traits.unique_key == message.traits.unique_key;
           });
}

std::size_t Queue::queued(const std::string& group) const {
    return static_cast<std::size_t>(std::ranges::count_if(messages, [&](const auto& entry) {
        return entry.second.group == group && entry.second.state != Message::State::in_flight;
    }));
}

void Queue::begin_throttle(const Message& message, Instant at) {
    const engine::Traits& traits = message.traits;
    if (!message.has_key() || traits.uniqueness != engine::Uniqueness::throttle) return;
    if (traits.unique_for <= Duration::zero()) return;
    throttles.push_back(
        {.key = traits.unique_key,
         .sequence = message.sequence,
         .at = at,
         .lasts = traits.unique_for}
    );
}

void Queue::advance(Instant now) {
    const Duration retention = settings.engine.retention;
    std::erase_if(messages, [&](const auto& entry) {
        return retention > Duration::zero() && entry.second.ages_from + retention <= now;
    });
    for (auto& [sequence, message] : messages) {
        if (message.state != Message::State::visible && message.due <= now) {
            message.state = Message::State::visible;
        }
    }
    std::erase_if(messages, [&](const auto& entry) {
        const Message& message = entry.second;
        if (message.state == Message::State::in_flight) return false;
        const bool late = message.traits.deadline != Instant{} && message.traits.deadline <= now;
        if (!late && !message.cancel_requested) return false;
        ended.push_back(message.sequence);
        return true;
    });
    std::erase_if(throttles, [&](const Throttle& one) { return one.at + one.lasts <= now; });
    std::erase_if(ids, [&](const Remembered& one) {
        return one.at + settings.engine.deduplication_window <= now;
    });
}

void Queue::set_policy(const engine::QueuePolicy& policy, Instant now) {
    advance(now);
    const bool delays = fifo() && policy.delay != settings.engine.delay;
    settings.engine = policy;
    for (auto& [sequence, message] : messages) {
        // A FIFO queue's delay also holds for what nobody has received yet.
        const bool waits = !message.moved_in && message.deliveries == 0 &&
                           message.state != Message::State::in_flight;
        if (!delays || !waits) continue;
        message.due = message.sent_at + policy.delay;
        message.state = message.due > now ? Message::State::delayed : Message::State::visible;
    }
    advance(now);
}

Queue* State::find(QueueId id) {
    const auto found = queues.find(id);
    return found == queues.end() ? nullptr : &found->second;
}

Queue* State::find(const std::string& name) {
    for (auto& [id, queue] : queues) {
        if (queue.name == name) return &queue;
    }
    return nullptr;
}

const Message* State::find_token(QueueId queue, Token token) const {
    const auto found = queues.find(queue);
    if (found == queues.end()) return nullptr;
    for (const auto& [sequence, message] : found->second.messages) {
        if (message.token == token) return &message;
    }
    return nullptr;
}

std::size_t State::messages() const {
    std::size_t count = 0;
    for (const auto& [id, queue] : queues)
        count += queue.messages.size();
    return count;
}

void State::advance(Instant now) {
    for (auto& [id, queue] : queues)
        queue.advance(now);
}

void State::apply(const Event& event) {
    if (event.kind == Event::Kind::created) {
        queues[event.queue] = {.id = event.queue, .name = event.text, .settings = *event.settings};
        return;
    }
    if (event.kind == Event::Kind::task) {
        const auto same = [&](const Task& task) {
            return task.id == event.task.id;
        };
        const auto found = std::ranges::find_if(tasks, same);
        if (found == tasks.end()) {
            tasks.insert(tasks.begin(), event.task);
        } else {
            found->running = event.task.running;
        }
        return;
    }
    if (event.kind == Event::Kind::removed) {
        queues.erase(event.queue);
        return;
    }
    Queue* queue = find(event.queue);
    if (event.kind == Event::Kind::moved) {
        if (Queue* from = find(event.from)) {
            from->advance(event.at);
            from->messages.erase(event.from_sequence);
        }
    }
    if (queue == nullptr) return;
    queue->advance(event.at);
    const Message& message = event.message;
    switch (event.kind) {
        case Event::Kind::changed:
            queue->set_policy(event.settings->engine, event.at);
            queue->settings = *event.settings;
            break;
        case Event::Kind::purged:
            queue->messages.clear();
            queue->ids.clear();
            queue->throttles.clear();
            break;
        case Event::Kind::sent:
            queue->messages.erase(event.from_sequence);
            if (event.from_sequence == 0) queue->begin_throttle(message, event.at);
            if (!event.text.empty()) {
                queue->ids.push_back(
                    {.key = event.text, .sequence = message.sequence, .at = event.at}
                );
            }
            [[fallthrough]];
        case Event::Kind::moved:
            queue->messages[message.sequence] = message;
            queue->last_sequence = std::max(queue->last_sequence, message.sequence);
            break;
        case Event::Kind::leased:
            if (const auto found = queue->messages.find(message.sequence);
                found != queue->messages.end()) {
                found->second = message;
            }
            break;
        case Event::Kind::deleted:
            queue->messages.erase(message.sequence);
            break;
        default:
            break;
    }
    queue->advance(event.at);
}

std::string describe(const Event& event) {
    static constexpr std::array<std::string_view, 9> kinds = {
        "created", "changed", "removed", "purged", "sent", "leased", "deleted", "moved", "task"};
    std::string text(kinds[static_cast<std::size_t>(event.kind)]);
    text += " in queue " + std::to_string(event.queue);
    if (event.message.token != 0) {
        text += ": " + name_of(event.message.token) + " number " +
                std::to_string(event.message.sequence);
    }
    return text;
}

namespace {

class Comparison {
  public:
    Comparison(State& state, broker::Broker& broker, std::uint32_t body_bytes_max, bool subset)
        : state_(state), broker_(broker), body_bytes_max_(body_bytes_max), subset_(subset) {}

    std::optional<Mismatch> run() {
        const Instant now = broker_.now();
        state_.advance(now);
        for (const auto& handle : broker_.list_queues({}, {}, SIZE_MAX)) {
            const Queue* queue = state_.find(handle->id());
            if (queue == nullptr || queue->name != handle->name()) {
                add(Invariant::settings, handle->name() + " is there, but should not be");
                continue;
            }
            compare_settings(*queue, *handle->settings());
            compare_messages(*queue, *handle, now);
        }
        for (const auto& [id, queue] : state_.queues) {
            if (!subset_ && !broker_.find_queue(id)) {
                add(Invariant::nothing_lost, "queue " + queue.name + " is missing");
            }
        }
        compare_tasks();
        return found_;
    }

  private:
    void add(Invariant invariant, std::string text) {
        if (!found_) found_ = {.invariant = invariant, .text = std::move(text)};
    }

    void compare_settings(const Queue& queue, const broker::QueueSettings& found) {
        if (queue.settings == found) return;
        add(Invariant::settings, "settings of " + queue.name + " are others");
    }

    void compare_messages(const Queue& queue, const broker::Queue& handle, Instant now) {
        handle.counters(now);  // lets happen what is due
        std::size_t seen = 0;
        for (engine::MessageView& view : handle.peek(0, SIZE_MAX)) {
            view.payload = broker_.with_bytes(view.payload);
            const auto wanted = queue.messages.find(view.sequence);
            if (wanted == queue.messages.end()) {
                add(Invariant::no_ghosts,
                    queue.name + " holds " + describe(view) + ", which should not be there");
                continue;
            }
            ++seen;
            compare(queue, handle, wanted->second, view);
        }
        compare_throttles(queue, handle);
        if (subset_ || seen == queue.messages.size()) return;
        for (const auto& [sequence, message] : queue.messages) {
            const auto views = handle.peek(0, SIZE_MAX);
            const bool there = std::ranges::any_of(views, [&](const engine::MessageView& view) {
                return view.sequence == sequence;
            });
            if (there) continue;
            add(Invariant::nothing_lost, name_of(message.token) + " is missing in " + queue.name);
        }
    }

    static std::string describe(const engine::MessageView& view) {
        const auto token = token_of(view.payload);
        return (token ? name_of(*token) : std::string("a body that nobody sent")) + " number " +
               std::to_string(view.sequence);
    }

    void compare_throttles(const Queue& queue, const broker::Queue& handle) {
        std::vector<Queue::Throttle> found;
        for (const auto& entry : handle.state().engine.stored_deduplication()) {
            if (entry.unique_for == Duration::zero()) continue;
            found.push_back(
                {.key = entry.key,
                 .sequence = entry.sequence,
                 .at = entry.at,
                 .lasts = entry.unique_for}
            );
        }
        std::vector<Queue::Throttle> wanted = queue.throttles;
        std::ranges::sort(found);
        std::ranges::sort(wanted);
        const bool right = subset_ ? std::ranges::includes(wanted, found) : found == wanted;
        if (!right) add(Invariant::unique, "throttles of " + queue.name + " are others");
    }

    void compare(
        const Queue& queue,
        const broker::Queue& handle,
        const Message& wanted,
        const engine::MessageView& view
    ) {
        const std::string what = name_of(wanted.token) + " in " + queue.name;
        if (!is_intact(view.payload, body_bytes_max_, wanted.renamed) ||
            token_of(view.payload) != wanted.token) {
            add(Invariant::payload_intact, what + " is " + describe(view) + " and not intact");
            return;
        }
        const auto state = static_cast<Message::State>(view.state);
        const auto differs = [&](const char* part, auto expected, auto found) {
            if (expected == found) return;
            add(Invariant::state,
                what + " has " + part + " " + std::to_string(found) + ", not " +
                    std::to_string(expected));
        };
        const auto micros = [](Instant at) {
            return at.time_since_epoch().count();
        };
        if (view.group != wanted.group) add(Invariant::state, what + " is in another group");
        differs("receive count", wanted.receive_count, view.receive_count);
        differs("state", static_cast<int>(wanted.state), static_cast<int>(state));
        differs("source queue", wanted.source_queue, view.source_queue);
        differs("send time", micros(wanted.sent_at), micros(view.sent_at));
        differs("a request to cancel", wanted.cancel_requested, view.cancel_requested);
        if (view.note != wanted.note) add(Invariant::state, what + " has another note");
        const auto stored = handle.state().engine.stored(view.slot, view.sequence);
        if (!stored || stored->traits != wanted.traits) {
            add(Invariant::state, what + " has other traits");
        } else if (wanted.has_key()) {
            differs("first send", micros(wanted.unique_since), micros(stored->unique_since));
        }
        if (wanted.state == Message::State::visible) return;
        differs("end of its lease or delay", micros(wanted.due), micros(view.due));
    }

    void compare_tasks() {
        for (const Task& task : state_.tasks) {
            const Queue* source = state_.find(task.source);
            if (source == nullptr) continue;
            bool running = false;
            for (const auto& found : broker_.list_move_tasks(source->name, 1000)) {
                if (found.id != task.id) continue;
                running = found.status == broker::MoveTask::Status::running;
            }
            if (running == task.running || (subset_ && !running)) continue;
            add(Invariant::move_task,
                task.running ? "a running move task out of " + source->name + " stopped"
                             : "a finished move task out of " + source->name + " runs");
        }
    }

    State& state_;
    broker::Broker& broker_;
    const std::uint32_t body_bytes_max_;
    const bool subset_;
    std::optional<Mismatch> found_;
};

}  // namespace

std::optional<Mismatch> compare(
    State state, broker::Broker& broker, std::uint32_t body_bytes_max, bool subset
) {
    return Comparison(state, broker, body_bytes_max, subset).run();
}

}  // namespace tranter::store_sim
