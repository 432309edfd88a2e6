#include "generator.hpp"

#include <algorithm>
#include <utility>

namespace tranter::sim {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

Duration Generator::whole(Duration time) const {
    return scenario_.exact_times ? std::chrono::duration_cast<seconds>(time) : time;
}

std::uint8_t Generator::pick_queue() {
    return choices_.percent(scenario_.percent_to_dead_queue) ? dead_queue : main_queue;
}

Operation Generator::next(const World& world) {
    const auto& weights = scenario_.weights;
    std::uint64_t ticket = choices_.below(
        weights.send + weights.receive + weights.acknowledge + weights.change_visibility +
        weights.take_back + weights.move + weights.purge + weights.set_policy + weights.wait +
        weights.wait_for_next_event + weights.jump + weights.advance + weights.peek
    );
    const auto drawn = [&](unsigned weight) {
        if (ticket < weight) return true;
        ticket -= weight;
        return false;
    };
    const std::uint8_t queue = pick_queue();
    if (drawn(weights.send)) return send(world);
    if (drawn(weights.receive)) return receive();
    if (drawn(weights.acknowledge)) {
        return Acknowledge{.queue = queue, .handle = handle(world, queue)};
    }
    if (drawn(weights.change_visibility)) {
        return ChangeVisibility{
            .queue = queue, .handle = handle(world, queue), .timeout = timeout()};
    }
    if (drawn(weights.take_back)) return TakeBack{.queue = queue, .handle = handle(world, queue)};
    if (drawn(weights.move)) {
        return Move{
            .from = choices_.percent(70) ? dead_queue : main_queue,
            .max = static_cast<std::uint32_t>(choices_.between(1, 5)),
            .every = static_cast<std::uint32_t>(choices_.between(1, 3))};
    }
    if (drawn(weights.purge)) return Purge{.queue = queue};
    if (drawn(weights.set_policy)) return set_policy(world);
    if (drawn(weights.wait))
        return Wait{whole(Duration(choices_.between(0, scenario_.step.count())))};
    if (drawn(weights.wait_for_next_event)) return wait_for_next_event(world);
    if (drawn(weights.jump)) {
        return Wait{choices_.one_of<Duration>(
            {minutes(5), minutes(16), hours(1), hours(12), hours(30), hours(24 * 5)}
        )};
    }
    if (drawn(weights.advance)) return Advance{.queue = queue};
    return Peek{
        .queue = queue,
        .offset = static_cast<std::uint32_t>(choices_.below(5)),
        .max = static_cast<std::uint32_t>(choices_.between(1, 10))};
}

Operation Generator::send(const World& world) {
    const std::uint8_t queue = pick_queue();
    if (world.model(queue).messages().size() >= scenario_.depth) return receive();
    Send send{.queue = queue, .token = next_token_++};
    send.body_bytes = static_cast<std::uint32_t>(choices_.below(scenario_.body_bytes_max + 1));
    if (!choices_.percent(scenario_.percent_without_group)) {
        // The first group is the busy one.
        const bool busy = choices_.percent(40);
        send.group = busy ? 1 : static_cast<std::uint32_t>(choices_.between(1, scenario_.groups));
    }
    const bool fifo = world.model(queue).fifo();
    if (fifo && choices_.percent(90)) {
        const bool repeated = choices_.percent(scenario_.percent_repeated_id);
        send.deduplication =
            repeated ? static_cast<std::uint32_t>(choices_.between(1, scenario_.deduplication_ids))
                     : next_deduplication_++;
    }
    if (!fifo && choices_.percent(scenario_.percent_own_delay)) {
        send.delay =
            choices_.one_of<Duration>({seconds(0), seconds(1), seconds(2), seconds(7), minutes(15)}
            );
        if (!scenario_.exact_times) *send.delay += Duration(choices_.below(1'000'000));
    }
    return send;
}

Duration Generator::timeout() {
    const Duration time = choices_.one_of<Duration>(
        {seconds(0), seconds(1), seconds(3), seconds(30), minutes(3), hours(12)}
    );
    if (scenario_.exact_times || time == Duration::zero()) return time;
    return time + Duration(choices_.below(1'000'000));
}

Operation Generator::receive() {
    Receive receive{.queue = pick_queue()};
    receive.max_messages =
        scenario_.whole_batches ? 10 : static_cast<std::uint32_t>(choices_.between(1, 10));
    if (choices_.percent(scenario_.percent_own_visibility)) receive.visibility_timeout = timeout();
    if (choices_.percent(scenario_.percent_attempt_id)) {
        receive.attempt = static_cast<std::uint32_t>(choices_.between(1, 3));
    }
    receive.keep_exhausted = choices_.percent(scenario_.percent_keep_exhausted);
    return receive;
}

Operation Generator::wait_for_next_event(const World& world) {
    const std::uint8_t queue = pick_queue();
    const auto next = world.queue(queue).next_event();
    if (!next || *next <= world.now()) return Advance{.queue = queue};
    Duration time = *next - world.now();
    // Just before, exactly then, just after.
    const auto aim = choices_.below(3);
    if (aim == 0 && time > Duration(1)) time -= Duration(1);
    if (aim == 1) time += Duration(1);
    return Wait{time};
}

Operation Generator::set_policy(const World& world) {
    const std::uint8_t queue = pick_queue();
    engine::QueuePolicy policy = world.model(queue).policy();
    const engine::QueuePolicy other = draw_policy(choices_, policy.groups.order);
    // Mostly one rule at a time.
    switch (choices_.below(8)) {
        case 0:
            policy.retention = other.retention;
            break;
        case 1:
            policy.delay = other.delay;
            break;
        case 2:
            policy.deduplication_window = other.deduplication_window;
            break;
        case 3:
            policy.groups = other.groups;
            break;
        case 4:
            policy.max_in_flight = other.max_in_flight;
            break;
        case 5:
            policy.max_receives = other.max_receives;
            break;
        case 6:
            policy.visibility_timeout = other.visibility_timeout;
            break;
        default:
            policy = other;
            // These two are fixed at creation and must be ignored.
            policy.groups.order = engine::Order::fifo;
            break;
    }
    if (queue == dead_queue) policy.max_receives = 0;
    return SetPolicy{.queue = queue, .policy = policy};
}

/// A receipt to present: mostly the latest of a message that is there, at times an older one, one
/// of a message that is gone or that is in the other queue, or a forgery.
Handle Generator::handle(const World& world, std::uint8_t queue) {
    const auto& messages = world.model(queue).messages();
    Handle handle;
    if (messages.empty() || choices_.percent(5)) {
        handle.token = static_cast<std::uint32_t>(choices_.below(next_token_));
    } else {
        // Out of a few messages, prefer one that is in flight.
        for (int tries = 0; tries < 3; ++tries) {
            const auto& message = messages[choices_.below(messages.size())];
            handle.token = message.content->token;
            if (message.state == Model::State::in_flight) break;
        }
    }
    const std::size_t known = world.hand_outs(handle.token).size();
    if (known > 0) {
        const bool latest = choices_.percent(85);
        handle.hand_out = static_cast<std::uint32_t>(latest ? known - 1 : choices_.below(known));
    }
    if (choices_.percent(scenario_.percent_forged)) {
        handle.forgery = choices_.one_of<Forgery>(
            {Forgery::slot, Forgery::sequence, Forgery::delivery, Forgery::invented}
        );
        handle.noise = choices_.percent(50) ? static_cast<std::uint32_t>(-1)
                                            : static_cast<std::uint32_t>(choices_.below(100'000));
    }
    return handle;
}

}  // namespace tranter::sim
