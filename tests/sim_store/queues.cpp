#include "world.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::store_sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<const char*, 6> queue_names = {
    "orders", "dead", "other", "lines.fifo", "dead.fifo", "other.fifo"};

bool is_fifo(const std::string& name) {
    return name.ends_with(".fifo");
}

}  // namespace

broker::QueueSettings World::draw_settings(const std::string& name) {
    broker::QueueSettings settings;
    settings.engine.groups.order = is_fifo(name) ? engine::Order::fifo : engine::Order::none;
    // Whose turn it is among groups is not remembered across a crash.
    settings.engine.groups.fairness = engine::Fairness::off;
    settings.engine.visibility_timeout =
        choices().one_of<Duration>({seconds(0), seconds(2), seconds(30), minutes(10)});
    settings.engine.delay =
        choices().one_of<Duration>({seconds(0), seconds(0), seconds(0), seconds(3)});
    if (scenario_.short_times) {
        settings.engine.retention =
            choices().one_of<Duration>({seconds(60), minutes(10), hours(96)});
        settings.engine.deduplication_window =
            choices().one_of<Duration>({seconds(10), minutes(5)});
    }
    settings.engine.deduplication_scope = name == "lines.fifo"
                                              ? engine::DeduplicationScope::message_group
                                              : engine::DeduplicationScope::queue;
    const bool dead = name.starts_with("dead");
    if (!dead && choices().percent(60)) {
        settings.engine.max_receives = static_cast<std::uint32_t>(choices().between(1, 3));
        settings.dead_letter_queue = is_fifo(name) ? "dead.fifo" : "dead";
    }
    if (scenario_.percent_traits > 0) {
        if (choices().percent(25)) {
            settings.engine.groups.max_queued_per_group =
                static_cast<std::uint32_t>(choices().between(1, 5));
        }
        if (choices().percent(30)) settings.engine.retention = {};
        settings.engine.priority_aging = choices().one_of<Duration>({seconds(0), minutes(1)});
        settings.engine.paused = choices().percent(5);
    }
    settings.content_based_deduplication = choices().percent(20);
    settings.receive_wait = seconds(choices().below(20));
    if (choices().percent(50)) settings.tags["owner"] = "t" + std::to_string(choices().below(5));
    if (choices().percent(30)) settings.attributes["Policy"] = std::to_string(choices().below(9));
    return settings;
}

void World::create_queue() {
    const std::string name = queue_names[choices().below(queue_names.size())];
    broker::QueueSettings settings = draw_settings(name);
    say("create queue " + name);
    begin_operation();
    const auto result = broker().create_queue(name, settings);
    const bool exists = live_.find(name) != nullptr;
    if (!result) {
        const bool right = exists && result.error().code() == Errc::already_exists;
        if (!right) refused(result.error(), true);
        return end_operation();
    }
    if (exists) throw Violation(Invariant::settings, "queue " + name + " was made twice");
    const QueueId id = (*result)->id();
    note(id);
    if (id <= last_exposed_queue_ || live_.queues.contains(id)) {
        throw Violation(Invariant::sequence, "number of queue " + name + " was given before");
    }
    if (std::ranges::count(names_used_, name) != 0) tally_.hit(Probe::queue_again);
    names_used_.push_back(name);
    add(
        {.kind = Event::Kind::created,
         .queue = id,
         .text = name,
         .settings = std::make_shared<const broker::QueueSettings>(std::move(settings))}
    );
    stands_at(journal().end());
    end_operation();
    wait_for(Until::durable, journal().end(), events_.size(), Probe::acked_queue_change);
}

void World::delete_queue() {
    const Queue* queue = pick_queue();
    if (queue == nullptr) return;
    const QueueId id = queue->id;
    say("delete queue " + queue->name);
    begin_operation();
    const auto result = broker().delete_queue(broker().find_queue(id));
    if (!result) {
        refused(result.error(), false);
        return end_operation();
    }
    tally_.hit(Probe::queue_deleted);
    add({.kind = Event::Kind::removed, .queue = id});
    stands_at(*result);
    end_operation();
    wait_for(Until::durable, *result, events_.size(), Probe::acked_queue_change);
}

void World::purge() {
    const Queue* queue = pick_queue();
    if (queue == nullptr) return;
    const QueueId id = queue->id;
    say("purge " + queue->name);
    begin_operation();
    const auto result = broker().purge(broker().find_queue(id));
    if (!result) {
        refused(result.error(), false);
        return end_operation();
    }
    tally_.hit(Probe::purged);
    add({.kind = Event::Kind::purged, .queue = id});
    stands_at(*result);
    end_operation();
    wait_for(Until::durable, *result, events_.size(), Probe::acked_queue_change);
}

void World::change_settings() {
    const Queue* queue = pick_queue();
    if (queue == nullptr) return;
    const QueueId id = queue->id;
    const broker::QueueSettings drawn = draw_settings(queue->name);
    auto wanted = std::make_shared<broker::QueueSettings>(queue->settings);
    // Mostly one thing at a time.
    switch (choices().below(5)) {
        case 0:
            wanted->tags = drawn.tags;
            wanted->attributes = drawn.attributes;
            break;
        case 1:
            wanted->engine.retention = drawn.engine.retention;
            break;
        case 2:
            wanted->engine.delay = drawn.engine.delay;
            wanted->engine.visibility_timeout = drawn.engine.visibility_timeout;
            break;
        case 3:
            wanted->engine.max_receives = drawn.engine.max_receives;
            wanted->dead_letter_queue = drawn.dead_letter_queue;
            break;
        default:
            *wanted = drawn;
            break;
    }
    put_settings(id, std::move(wanted));
}

void World::put_settings(QueueId id, std::shared_ptr<const broker::QueueSettings> wanted) {
    say("change settings of " + live_.queues.at(id).name);
    begin_operation();
    const auto result =
        broker().change_settings(broker().find_queue(id), [&](broker::QueueSettings& settings) {
            settings = *wanted;
            return Result<void>();
        });
    if (!result) {
        refused(result.error(), true);
        return end_operation();
    }
    tally_.hit(Probe::settings_changed);
    add({.kind = Event::Kind::changed, .queue = id, .settings = std::move(wanted)});
    stands_at(*result);
    end_operation();
    wait_for(Until::durable, *result, events_.size(), Probe::acked_queue_change);
}

// Move tasks ------------------------------------------------------------------------------------

void World::start_move_task() {
    const Queue* source = live_.find(choices().percent(50) ? "dead" : "dead.fifo");
    if (source == nullptr) return;
    std::string destination;
    if (choices().percent(50)) destination = is_fifo(source->name) ? "lines.fifo" : "other";
    const std::uint32_t rate = choices().one_of<std::uint32_t>({0, 1, 5});
    const QueueId id = source->id;
    say("start moving from " + source->name + " to '" + destination + "'");
    begin_operation();
    const auto result = broker().start_move_task(broker().find_queue(id), destination, rate);
    const bool running = std::ranges::any_of(live_.tasks, [&](const Task& task) {
        return task.running && task.source == id;
    });
    const bool missing = !destination.empty() && live_.find(destination) == nullptr;
    if (!result) {
        const Errc code = result.error().code();
        const bool right =
            (running && code == Errc::conflict) || (missing && code == Errc::not_found);
        if (!right) refused(result.error(), true);
        return end_operation();
    }
    if (running || missing) throw Violation(Invariant::move_task, "a task that cannot be");
    add(
        {.kind = Event::Kind::task,
         .task = {.id = result->id, .source = id, .destination = destination}}
    );
    stands_at(journal().end());
    end_operation();
    wait_for(Until::durable, journal().end(), events_.size(), Probe::acked_queue_change);
}

void World::cancel_move_task() {
    const auto running = std::ranges::find_if(live_.tasks, [&](const Task& task) {
        return task.running && live_.find(task.source) != nullptr;
    });
    if (running == live_.tasks.end()) return;
    Task task = *running;
    say("cancel the move from queue " + std::to_string(task.source));
    begin_operation();
    const auto result = broker().cancel_move_task(task.id);
    if (!result) {
        refused(result.error(), false);
        return end_operation();
    }
    task.running = false;
    add({.kind = Event::Kind::task, .task = task});
    stands_at(journal().end());
    end_operation();
    wait_for(Until::durable, journal().end(), events_.size(), Probe::acked_queue_change);
}

/// What a thread of the process does at Broker::next_event().
void World::run_due() {
    live_.advance(now());
    const std::vector<Task> tasks = live_.tasks;
    begin_operation();
    broker().run_due();
    for (const Task& task : tasks) {
        if (task.running) take_task_moves(task);
    }
    for (const auto& [id, queue] : live_.queues) {
        if (arrivals(queue).empty()) continue;
        throw Violation(Invariant::no_ghosts, "something came to " + queue.name + " by itself");
    }
    end_operation();
}

void World::take_task_moves(const Task& task) {
    const Queue* source = live_.find(task.source);
    if (source == nullptr) {
        // Its record is there, or will be: either way nothing moves any more.
        return;
    }
    const std::string source_name = source->name;
    struct Arrival {
        QueueId to = 0;
        engine::MessageView view;
        Sequence from = 0;
    };
    std::vector<Arrival> all;
    for (const auto& [id, queue] : live_.queues) {
        const bool fixed = !task.destination.empty();
        if (fixed ? queue.name != task.destination : id == task.source) continue;
        for (engine::MessageView& view : arrivals(queue)) {
            const auto token = token_of(view.payload);
            const Message* old = token ? live_.find_token(task.source, *token) : nullptr;
            if (old == nullptr) continue;  // another task's
            if (!fixed && old->source_queue != id) {
                throw Violation(Invariant::move_task, "a move task moved what it should not");
            }
            all.push_back({.to = id, .view = std::move(view), .from = old->sequence});
        }
    }
    std::ranges::sort(all, {}, &Arrival::from);
    for (const Arrival& arrival : all)
        take_moved(task.source, arrival.to, arrival.view, MovedBy::task);
    for (const auto& found : broker().list_move_tasks(source_name, 1000)) {
        if (found.id != task.id || found.status == broker::MoveTask::Status::running) continue;
        Task finished = task;
        finished.running = false;
        say("  the move from " + source_name + " ended");
        add({.kind = Event::Kind::task, .task = finished});
    }
}

}  // namespace tranter::store_sim
