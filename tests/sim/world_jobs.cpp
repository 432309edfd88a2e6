#include "world.hpp"

#include <algorithm>
#include <utility>

namespace tranter::sim {

/// The id that the token was sent with; null when that never happened, because the history was cut.
const engine::MessageId* World::id_of(std::uint32_t token) const {
    if (token >= contents_.size() || !contents_[token]) return nullptr;
    return &contents_[token]->id;
}

void World::run(const Settle& settle) {
    engine::Receipt storage;
    const engine::Receipt* receipt = resolve(settle.handle, storage);
    if (receipt == nullptr) return say("never handed out");
    const engine::Settle how{
        .kind = settle.kind, .receipt = *receipt, .delay = settle.delay, .counts = settle.counts};
    engine::Transfer taken;
    const auto answer = queues_[settle.queue]->settle(how, now_, &taken);
    say(answer ? "done" : answer.error().message());
    note(answer ? answer->sequence : 0);
    models_[settle.queue].settle(how, now_, answer, taken);
    this->settle(settle.queue);
    if (!answer || settle.kind != engine::Settle::Kind::take_out) return;
    std::vector<engine::Transfer> transfers;
    transfers.push_back(std::move(taken));
    move_over(settle.queue, std::move(transfers));
}

void World::run(const Extend& extend) {
    engine::Receipt storage;
    const engine::Receipt* receipt = resolve(extend.handle, storage);
    if (receipt == nullptr) return say("never handed out");
    const auto answer = queues_[extend.queue]->extend(*receipt, extend.lease, now_);
    say(!answer ? answer.error().message() : *answer ? "asked to stop" : "done");
    note(answer ? *answer : 2);
    models_[extend.queue].extend(*receipt, extend.lease, now_, answer);
    settle(extend.queue);
}

void World::run(const Note& note) {
    engine::Receipt storage;
    const engine::Receipt* receipt = resolve(note.handle, storage);
    if (receipt == nullptr) return say("never handed out");
    std::string text;
    if (note.note != 0) text.assign(note.note * 3, 'n');
    const auto answer = queues_[note.queue]->set_note(*receipt, text, now_);
    say(answer ? "done" : answer.error().message());
    this->note(answer ? 1 : 2);
    models_[note.queue].set_note(*receipt, text, now_, answer);
    settle(note.queue);
}

void World::run(const Find& find) {
    const engine::MessageId* id = id_of(find.token);
    if (id == nullptr) return say("never sent");
    const auto answer = queues_[find.queue]->find(*id, now_);
    say(answer ? "sequence " + std::to_string(answer->sequence) : "nothing");
    models_[find.queue].find(*id, now_, answer);
    settle(find.queue);
}

void World::run(const Cancel& cancel) {
    const engine::MessageId* id = id_of(cancel.token);
    if (id == nullptr) return say("never sent");
    const auto answer = queues_[cancel.queue]->cancel(*id, now_);
    say(!answer                                    ? answer.error().message()
        : *answer == engine::CancelResult::removed ? "removed"
                                                   : "requested");
    note(answer ? static_cast<std::uint64_t>(*answer) : 2);
    models_[cancel.queue].cancel(*id, now_, answer);
    settle(cancel.queue);
}

void World::run(const Promote& promote) {
    const engine::MessageId* id = id_of(promote.token);
    if (id == nullptr) return say("never sent");
    const auto answer = queues_[promote.queue]->promote(*id, now_);
    say(answer ? "done" : answer.error().message());
    note(answer ? 1 : 2);
    models_[promote.queue].promote(*id, now_, answer);
    settle(promote.queue);
}

void World::run(const TakeOut& take) {
    const engine::MessageId* id = id_of(take.token);
    if (id == nullptr) return say("never sent");
    auto answer = queues_[take.queue]->take_out(*id, now_);
    say(answer ? "done" : answer.error().message());
    note(answer ? answer->source_sequence : 0);
    models_[take.queue].take_out(*id, now_, answer);
    settle(take.queue);
    if (!answer) return;
    if (take.gives_back && answer->traits.unique_key.empty()) {
        const Content& content = content_of(answer->payload);
        const engine::Sent back = queues_[take.queue]->give_back(*answer, now_);
        note(back.sequence);
        models_[take.queue].give_back(content, *answer, now_, back);
        return this->settle(take.queue);
    }
    if (take.forget_receives) {
        answer->receive_count = 0;
        answer->first_received_at = {};
    }
    std::vector<engine::Transfer> transfers;
    transfers.push_back(std::move(*answer));
    move_over(take.queue, std::move(transfers));
}

void World::run(const List& list) {
    // The slot helps to find the place; without the message it means nothing.
    std::uint32_t slot = list.after % 5;
    for (const Model::Message& message : models_[list.queue].messages()) {
        if (message.sequence == list.after) slot = message.slot;
    }
    const auto views = queues_[list.queue]->list(slot, list.after, list.max);
    say(std::to_string(views.size()) + " shown");
    models_[list.queue].list(list.after, list.max, views);
}

void World::run(const Restart& restart) {
    execute(Advance{.queue = restart.queue});
    auto& queue = queues_[restart.queue];
    constexpr std::size_t everything = 1'000'000;
    std::vector<engine::Stored> stored;
    for (const engine::MessageView& view : queue->list(0, 0, everything)) {
        auto one = queue->stored(view.slot, view.sequence);
        if (!one) throw Violation(Invariant::restart, "a message that is listed is not there");
        stored.push_back(std::move(*one));
    }
    now_ += restart.downtime;
    auto again = std::make_unique<engine::Queue>(queue->policy());
    const auto elsewhere = again->restore(
        std::move(stored), queue->stored_deduplication(), queue->last_sequence(), now_
    );
    queue = std::move(again);
    if (!elsewhere.empty()) throw Violation(Invariant::restart, "a message changed its slot");
    models_[restart.queue].restart(now_);
    settle(restart.queue);
}

}  // namespace tranter::sim
