#include "world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tranter::sim {

namespace {

// Full comparisons cost more than operations, so they happen every so often.
constexpr std::uint64_t operations_per_peek = 17;
constexpr std::uint64_t operations_per_check = 61;
constexpr std::size_t everything = 1'000'000;

std::string group_name(std::uint32_t group) {
    return group == 0 ? std::string() : "g" + std::to_string(group);
}

}  // namespace

World::World(const Scenario& scenario, Tally& tally)
    : tally_(tally),
      start_(scenario.start),
      now_(scenario.start),
      queues_{
          std::make_unique<engine::Queue>(scenario.policies[0]),
          std::make_unique<engine::Queue>(scenario.policies[1])},
      models_{Model(scenario.policies[0], tally), Model(scenario.policies[1], tally)} {}

void World::execute(const Operation& operation) {
    ++tally_.operations;
    ++executed_;
    if (keeps_history_) {
        history_.push_back("+" + describe(elapsed()) + "  " + describe(operation));
    }
    try {
        std::visit([this](const auto& one) { run(one); }, operation);
    } catch (const std::logic_error& error) {
        throw Violation(Invariant::links, error.what());
    }
}

void World::say(const std::string& text) {
    if (keeps_history_) history_.back() += "  ->  " + text;
}

const std::vector<World::HandOut>& World::hand_outs(std::uint32_t token) const {
    static const std::vector<HandOut> none;
    return token < hand_outs_.size() ? hand_outs_[token] : none;
}

const Content& World::content_of(const engine::Payload& payload) const {
    const std::uint32_t token = token_of(payload);
    if (token >= contents_.size() || !contents_[token]) {
        throw Violation(Invariant::no_ghosts, "a message that was never sent");
    }
    return *contents_[token];
}

const engine::Receipt* World::resolve(const Handle& handle, engine::Receipt& storage) const {
    const auto& known = hand_outs(handle.token);
    if (handle.hand_out >= known.size()) return nullptr;
    storage = known[handle.hand_out].receipt;
    switch (handle.forgery) {
        case Forgery::none:
            break;
        case Forgery::slot:
            storage.slot += handle.noise;
            break;
        case Forgery::sequence:
            storage.sequence += static_cast<std::int32_t>(handle.noise);
            break;
        case Forgery::delivery:
            storage.delivery += handle.noise;
            break;
        case Forgery::invented:
            storage = {
                .slot = handle.noise % 7,
                .delivery = handle.noise % 3,
                .sequence = handle.noise % 101};
            break;
    }
    return &storage;
}

/// After each operation on a queue: everything that can be seen must be as the model has it.
void World::settle(std::uint8_t queue) {
    engine::Queue& engine = *queues_[queue];
    Model& model = models_[queue];
    const std::vector<engine::Ended> ended = engine.take_ended();
    for (const engine::Ended& end : ended) {
        note(end.message.sequence);
        const char* why = end.why == engine::Ended::Why::expired ? "expired: " : "cancelled: ";
        say(why + content_of(end.message.payload).name());
    }
    model.compare_ended(ended);
    const engine::Counters counters = engine.counters();
    note(counters);
    model.compare(counters);
    model.compare_next_event(engine.next_event());
    if (thorough_ || executed_ % operations_per_peek == 0) {
        model.compare(engine.peek(0, everything), 0, everything);
        model.compare_oldest(engine.oldest());
    }
    if (thorough_ || executed_ % operations_per_check == 0) engine.check();
}

void World::note(const engine::Counters& counters) {
    note(counters.visible);
    note(counters.in_flight);
    note(counters.delayed);
    note(counters.expired);
}

void World::run(const Send& send) {
    if (send.token >= contents_.size()) {
        contents_.resize(send.token + 1);
        hand_outs_.resize(send.token + 1);
    }
    contents_[send.token] =
        std::make_unique<Content>(make_content(send.token, send.body_bytes, send.deduplication));
    const Content& content = *contents_[send.token];
    const std::string group = group_name(send.group);
    engine::Traits traits{
        .priority = send.priority,
        .max_receives = send.max_receives,
        .uniqueness = send.uniqueness,
        .unique_for = send.unique_for};
    if (send.unique != 0) traits.unique_key = "k" + std::to_string(send.unique);
    if (send.deadline) traits.deadline = now_ + *send.deadline;
    engine::SendOptions options{.delay = send.delay, .group = group};
    if (traits != engine::Traits{}) options.traits = &traits;
    const auto answer = queues_[send.queue]->send(content.payload(), options, now_);
    say(!answer             ? answer.error().message()
        : answer->duplicate ? "duplicate of sequence " + std::to_string(answer->sequence)
        : answer->replaced  ? "sequence " + std::to_string(answer->sequence) + " instead of " +
                                 std::to_string(answer->replaced->sequence)
                           : "sequence " + std::to_string(answer->sequence));
    models_[send.queue].send(content, options, now_, answer);
    note(answer ? answer->sequence * 2 + answer->duplicate : 0);
    settle(send.queue);
}

engine::Sequence World::only_dead_until(const Receive& receive) const {
    const engine::Sequence newest = queues_[receive.queue]->last_sequence();
    if (receive.only_dead == 0 || newest < receive.only_dead) return receive.only_dead;
    return newest + 1 - receive.only_dead;
}

void World::run(const Receive& receive) {
    const std::string attempt = receive.attempt == 0 ? "" : "a" + std::to_string(receive.attempt);
    const engine::ReceiveOptions options{
        .max_messages = receive.max_messages,
        .visibility_timeout = receive.visibility_timeout,
        .attempt_id = attempt,
        .keep_exhausted = receive.keep_exhausted,
        .dead_max = receive.dead_max,
        .only_dead_until = only_dead_until(receive),
    };
    engine::Received answer = queues_[receive.queue]->receive(options, now_);
    std::string text;
    for (const engine::Delivery& delivery : answer.deliveries) {
        text += content_of(delivery.payload).name() + " (" +
                std::to_string(delivery.receive_count) + ") ";
        note(delivery.receipt.sequence << 8 | delivery.receipt.delivery);
    }
    for (const engine::Transfer& transfer : answer.dead) {
        text += "dead: " + content_of(transfer.payload).name() + " ";
        note(transfer.source_sequence);
    }
    say(text.empty() ? "nothing" : text);
    models_[receive.queue].receive(options, now_, answer);
    for (const engine::Delivery& delivery : answer.deliveries) {
        auto& known = hand_outs_[content_of(delivery.payload).token];
        const bool repeated = std::ranges::any_of(known, [&](const HandOut& hand_out) {
            return hand_out.queue == receive.queue && hand_out.receipt == delivery.receipt;
        });
        if (!repeated) known.push_back({receive.queue, delivery.receipt});
    }
    settle(receive.queue);
    move_over(receive.queue, std::move(answer.dead));
}

void World::move_over(std::uint8_t from, std::vector<engine::Transfer> transfers) {
    const std::uint8_t to = from == main_queue ? dead_queue : main_queue;
    for (engine::Transfer& transfer : transfers) {
        // What goes back is no dead letter any more.
        transfer.source_queue = from == main_queue ? from + 1U : 0U;
        const Content& content = content_of(transfer.payload);
        const engine::Sent answer = queues_[to]->move_in(transfer, now_);
        note(answer.sequence);
        models_[to].move_in(content, transfer, now_, answer);
        if (to == main_queue) tally_.hit(Probe::moved_back);
        settle(to);
    }
}

void World::run(const Acknowledge& acknowledge) {
    engine::Receipt storage;
    const engine::Receipt* receipt = resolve(acknowledge.handle, storage);
    if (receipt == nullptr) return say("never handed out");
    const auto answer = queues_[acknowledge.queue]->acknowledge(*receipt, now_);
    say(!answer ? answer.error().message() : *answer ? "deleted" : "gone");
    note(answer ? *answer : 2);
    models_[acknowledge.queue].acknowledge(*receipt, now_, answer);
    settle(acknowledge.queue);
}

void World::run(const ChangeVisibility& change) {
    engine::Receipt storage;
    const engine::Receipt* receipt = resolve(change.handle, storage);
    if (receipt == nullptr) return say("never handed out");
    const auto answer = queues_[change.queue]->change_visibility(*receipt, change.timeout, now_);
    say(answer ? "done" : answer.error().message());
    note(answer ? 1 : 2);
    models_[change.queue].change_visibility(*receipt, change.timeout, now_, answer);
    settle(change.queue);
}

void World::run(const TakeBack& take_back) {
    engine::Receipt storage;
    const engine::Receipt* receipt = resolve(take_back.handle, storage);
    if (receipt == nullptr) return say("never handed out");
    queues_[take_back.queue]->take_back(*receipt, now_);
    models_[take_back.queue].take_back(*receipt, now_);
    settle(take_back.queue);
}

void World::run(const Move& move) {
    engine::Sequence seen = 0;
    const auto accept = [&](const engine::MessageView& view) {
        if (view.sequence <= seen) {
            throw Violation(Invariant::answers, "a filter sees a message twice or out of order");
        }
        seen = view.sequence;
        return content_of(view.payload).token % move.every == 0;
    };
    engine::MoveProgress& progress = moves_[move.from];
    if (!move.goes_on) progress = {};
    engine::MoveOut wanted{.max = move.max, .looks_max = move.looks_max};
    if (move.every > 1) wanted.accept = accept;
    auto transfers = queues_[move.from]->move_out(wanted, progress, now_);
    say(std::to_string(transfers.size()) + " moved");
    const Model::MovedOut answer{.transfers = transfers, .done = progress.done};
    models_[move.from].move_out(wanted, move.every, move.goes_on, now_, answer);
    settle(move.from);
    move_over(move.from, std::move(transfers));
}

void World::run(const Purge& purge) {
    const auto debris = queues_[purge.queue]->purge(now_);
    models_[purge.queue].purge(now_);
    settle(purge.queue);
}

void World::run(const SetPolicy& set) {
    queues_[set.queue]->set_policy(set.policy, now_);
    models_[set.queue].set_policy(set.policy, now_);
    models_[set.queue].compare_policy(queues_[set.queue]->policy());
    settle(set.queue);
}

void World::run(const Wait& wait) {
    now_ += wait.time;
    tally_.simulated_microseconds += static_cast<std::uint64_t>(wait.time.count());
}

void World::run(const Advance& advance) {
    queues_[advance.queue]->advance(now_);
    models_[advance.queue].advance(now_);
    settle(advance.queue);
    const auto next = queues_[advance.queue]->next_event();
    if (next && *next <= now_) {
        throw Violation(Invariant::next_event, "nothing is due any more, says the next event");
    }
}

void World::run(const Peek& peek) {
    const auto views = queues_[peek.queue]->peek(peek.offset, peek.max);
    say(std::to_string(views.size()) + " shown");
    models_[peek.queue].compare(views, peek.offset, peek.max);
}

bool World::drain_once() {
    bool progress = false;
    for (const std::uint8_t queue : {main_queue, dead_queue}) {
        execute(Advance{.queue = queue});
        execute(Receive{
            .queue = queue, .max_messages = 10, .visibility_timeout = std::chrono::seconds(1)});
        const std::vector<Model::Message> messages = models_[queue].messages();
        for (const Model::Message& message : messages) {
            const std::uint32_t token = message.content->token;
            if (message.state != Model::State::in_flight || message.handed_out_at != now_) continue;
            const auto last = static_cast<std::uint32_t>(hand_outs(token).size() - 1);
            execute(Acknowledge{.queue = queue, .handle = {.token = token, .hand_out = last}});
            progress = true;
        }
    }
    return progress;
}

void World::drain() {
    for (const std::uint8_t queue : {main_queue, dead_queue}) {
        engine::QueuePolicy policy = models_[queue].policy();
        policy.paused = false;
        execute(SetPolicy{.queue = queue, .policy = policy});
    }
    constexpr int rounds_max = 100'000;
    for (int round = 0; round < rounds_max; ++round) {
        if (models_[0].messages().empty() && models_[1].messages().empty()) return;
        if (drain_once()) continue;
        Instant next = Instant::max();
        for (const auto& queue : queues_) {
            next = std::min(next, queue->next_event().value_or(Instant::max()));
        }
        if (next != Instant::max() && next > now_) execute(Wait{.time = next - now_});
    }
    throw Violation(Invariant::drains, "messages stay in the queue for good");
}

}  // namespace tranter::sim
