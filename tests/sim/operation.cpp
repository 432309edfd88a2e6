#include "operation.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace tranter::sim {

namespace {

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

std::string queue_name(std::uint8_t queue) {
    return queue == main_queue ? "main" : "dead";
}

std::string describe(const Handle& handle) {
    static constexpr std::array<std::string_view, 5> forgeries = {
        "", " with another slot", " with another sequence", " with another delivery", " invented"};
    std::string text = "m" + number(handle.token) + "/" + number(handle.hand_out + 1);
    text += forgeries[static_cast<std::size_t>(handle.forgery)];
    if (handle.forgery != Forgery::none) text += " (" + number(handle.noise) + ")";
    return text;
}

std::string traits(const Send& send) {
    static constexpr std::array<std::string_view, 5> modes = {
        "", " simple", " throttle", " debounce", " keep_latest"};
    std::string text;
    if (send.priority != engine::priority_default) text += " priority " + number(send.priority);
    if (send.max_receives != 0) text += " at most " + number(send.max_receives) + " receives";
    if (send.deadline) text += " deadline in " + sim::describe(*send.deadline);
    if (send.unique == 0) return text;
    text += " key k" + number(send.unique);
    text += modes[static_cast<std::size_t>(send.uniqueness)];
    if (send.unique_for != Duration{}) text += " for " + sim::describe(send.unique_for);
    return text;
}

struct Describer {
    std::string operator()(const Send& send) const {
        std::string text = "send to " + queue_name(send.queue) + ": m" + number(send.token);
        if (send.group != 0) text += " group g" + number(send.group);
        if (send.deduplication != 0) text += " deduplication id d" + number(send.deduplication);
        if (send.delay) text += " delay " + sim::describe(*send.delay);
        return text + traits(send);
    }
    std::string operator()(const Receive& receive) const {
        std::string text =
            "receive from " + queue_name(receive.queue) + ": up to " + number(receive.max_messages);
        if (receive.visibility_timeout) {
            text += " for " + sim::describe(*receive.visibility_timeout);
        }
        if (receive.keep_exhausted) text += " even if exhausted";
        if (receive.dead_max < 100) text += " at most " + number(receive.dead_max) + " dead";
        if (receive.only_dead != 0) {
            text += " nothing but dead ones, " + number(receive.only_dead) + " from the newest";
        }
        if (receive.attempt != 0) text += " attempt id a" + number(receive.attempt);
        return text;
    }
    std::string operator()(const Acknowledge& acknowledge) const {
        return "acknowledge in " + queue_name(acknowledge.queue) + ": " +
               describe(acknowledge.handle);
    }
    std::string operator()(const ChangeVisibility& change) const {
        return "change visibility in " + queue_name(change.queue) + ": " + describe(change.handle) +
               " to " + sim::describe(change.timeout);
    }
    std::string operator()(const TakeBack& take_back) const {
        return "take back in " + queue_name(take_back.queue) + ": " + describe(take_back.handle);
    }
    std::string operator()(const Move& move) const {
        return "move up to " + number(move.max) + " out of " + queue_name(move.from) +
               (move.every > 1 ? ", only each " + number(move.every) + "th" : "") +
               (move.looks_max < 1000 ? ", after " + number(move.looks_max) + " looks" : "") +
               (move.goes_on ? ", going on" : "");
    }
    std::string operator()(const Purge& purge) const { return "purge " + queue_name(purge.queue); }
    std::string operator()(const SetPolicy& set) const {
        return "set policy of " + queue_name(set.queue) + ": " + sim::describe(set.policy);
    }
    std::string operator()(const Wait& wait) const { return "wait " + sim::describe(wait.time); }
    std::string operator()(const Advance& advance) const {
        return "advance " + queue_name(advance.queue);
    }
    std::string operator()(const Settle& settle) const {
        static constexpr std::array<std::string_view, 3> kinds = {
            "complete", "put back", "take out"};
        std::string text(kinds[static_cast<std::size_t>(settle.kind)]);
        text += " in " + queue_name(settle.queue) + ": " + describe(settle.handle);
        if (settle.kind != engine::Settle::Kind::put_back) return text;
        return text + " for " + sim::describe(settle.delay) + (settle.counts ? "" : " uncounted");
    }
    std::string operator()(const Extend& extend) const {
        return "extend in " + queue_name(extend.queue) + ": " + describe(extend.handle) + " to " +
               sim::describe(extend.lease);
    }
    std::string operator()(const Note& note) const {
        return "note " + number(note.note) + " in " + queue_name(note.queue) + ": " +
               describe(note.handle);
    }
    std::string operator()(const Find& find) const {
        return "find in " + queue_name(find.queue) + ": m" + number(find.token);
    }
    std::string operator()(const Cancel& cancel) const {
        return "cancel in " + queue_name(cancel.queue) + ": m" + number(cancel.token);
    }
    std::string operator()(const Promote& promote) const {
        return "promote in " + queue_name(promote.queue) + ": m" + number(promote.token);
    }
    std::string operator()(const TakeOut& take) const {
        return "take out of " + queue_name(take.queue) + ": m" + number(take.token) +
               (take.gives_back        ? ", and give it back"
                : take.forget_receives ? ", its receives forgotten"
                                       : "");
    }
    std::string operator()(const List& list) const {
        return "list " + queue_name(list.queue) + ": " + number(list.max) + " after sequence " +
               number(list.after);
    }
    std::string operator()(const Restart& restart) const {
        return "restart " + queue_name(restart.queue) + " after " + sim::describe(restart.downtime);
    }
    std::string operator()(const Peek& peek) const {
        return "peek into " + queue_name(peek.queue) + ": " + number(peek.max) + " from " +
               number(peek.offset);
    }
};

}  // namespace

std::string describe(Duration time) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.6f", static_cast<double>(time.count()) / 1e6);
    std::string trimmed = text.data();
    while (trimmed.back() == '0')
        trimmed.pop_back();
    if (trimmed.back() == '.') trimmed.pop_back();
    return trimmed + "s";
}

std::string describe(const engine::QueuePolicy& policy) {
    static constexpr std::array<std::string_view, 3> fairness = {"off", "round_robin", "aws"};
    std::string text = policy.groups.order == engine::Order::fifo ? "fifo" : "standard";
    text += ", fair ";
    text += fairness[static_cast<std::size_t>(policy.groups.fairness)];
    text += ", visibility timeout " + describe(policy.visibility_timeout);
    text += ", delay " + describe(policy.delay) + ", retention " + describe(policy.retention);
    text += ", deduplication window " + describe(policy.deduplication_window);
    text += policy.deduplication_scope == engine::DeduplicationScope::queue ? " per queue"
                                                                            : " per group";
    text += ", max receives " + number(policy.max_receives);
    text += ", max in flight " + number(policy.max_in_flight);
    text += ", per group " + number(policy.groups.max_in_flight_per_group);
    text += ", max queued per group " + number(policy.groups.max_queued_per_group);
    text += ", priority aging " + describe(policy.priority_aging);
    if (policy.paused) text += ", paused";
    return text;
}

std::string describe(const Operation& operation) {
    return std::visit(Describer{}, operation);
}

}  // namespace tranter::sim
