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
    const std::uint64_t messages =
        weights.send + weights.receive + weights.acknowledge + weights.change_visibility +
        weights.take_back + weights.move + weights.purge + weights.set_policy + weights.wait +
        weights.wait_for_next_event + weights.jump + weights.advance + weights.peek;
    const std::uint64_t jobs = weights.settle + weights.extend + weights.note + weights.find +
                               weights.cancel + weights.promote + weights.take_out + weights.list +
                               weights.restart;
    std::uint64_t ticket = choices_.below(messages + jobs);
    if (ticket >= messages) return next_job(world, ticket - messages);
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
            .every = static_cast<std::uint32_t>(choices_.between(1, 3)),
            .looks_max = choices_.one_of<std::uint32_t>({1000, 1000, 1, 2, 4}),
            .goes_on = choices_.percent(60)};
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

Operation Generator::next_job(const World& world, std::uint64_t ticket) {
    const auto& weights = scenario_.weights;
    const auto drawn = [&](unsigned weight) {
        if (ticket < weight) return true;
        ticket -= weight;
        return false;
    };
    const std::uint8_t queue = pick_queue();
    if (drawn(weights.settle)) {
        Settle settle{.queue = queue, .handle = handle(world, queue)};
        settle.kind = choices_.one_of<engine::Settle::Kind>(
            {engine::Settle::Kind::complete,
             engine::Settle::Kind::put_back,
             engine::Settle::Kind::put_back,
             engine::Settle::Kind::take_out}
        );
        if (settle.kind != engine::Settle::Kind::put_back) return settle;
        settle.delay = put_back_delay();
        settle.counts = choices_.percent(60);
        return settle;
    }
    if (drawn(weights.extend)) {
        const auto lease = choices_.percent(80) ? timeout() : Duration(hours(13));
        return Extend{.queue = queue, .handle = handle(world, queue), .lease = lease};
    }
    if (drawn(weights.note)) {
        const auto note = static_cast<std::uint32_t>(choices_.below(4));
        return Note{.queue = queue, .handle = handle(world, queue), .note = note};
    }
    if (drawn(weights.find)) return Find{.queue = queue, .token = known_token(world, queue)};
    if (drawn(weights.cancel)) return Cancel{.queue = queue, .token = known_token(world, queue)};
    if (drawn(weights.promote)) return Promote{.queue = queue, .token = known_token(world, queue)};
    if (drawn(weights.take_out)) {
        return TakeOut{
            .queue = queue,
            .token = known_token(world, queue),
            .forget_receives = choices_.percent(70),
            .gives_back = choices_.percent(30)};
    }
    if (drawn(weights.list)) {
        const auto last = static_cast<std::int64_t>(world.queue(queue).last_sequence());
        return List{
            .queue = queue,
            .after = static_cast<std::uint32_t>(choices_.between(0, last + 1)),
            .max = static_cast<std::uint32_t>(choices_.between(0, 6))};
    }
    return Restart{
        .queue = queue,
        .downtime = choices_.one_of<Duration>({seconds(0), seconds(1), seconds(31), minutes(20)})};
}

/// The token that a message which is there has its id from, or any.
std::uint32_t Generator::known_token(const World& world, std::uint8_t queue) {
    const auto& messages = world.model(queue).messages();
    if (messages.empty() || choices_.percent(10)) {
        return static_cast<std::uint32_t>(choices_.below(next_token_));
    }
    return token_of(messages[choices_.below(messages.size())].id);
}

Duration Generator::put_back_delay() {
    if (choices_.percent(40)) return {};
    return choices_.percent(95) ? timeout() : Duration(hours(24 * 365 * 3));
}

void Generator::draw_traits(Send& send) {
    if (choices_.percent(scenario_.percent_priority)) {
        send.priority = static_cast<std::uint8_t>(choices_.between(0, 9));
    }
    if (choices_.percent(scenario_.percent_own_receives)) {
        send.max_receives = static_cast<std::uint32_t>(choices_.between(1, 4));
    }
    if (choices_.percent(scenario_.percent_deadline)) {
        send.deadline = choices_.one_of<Duration>(
            {seconds(0), seconds(1), seconds(5), minutes(1), minutes(20), hours(24 * 365 * 30)}
        );
    }
    if (!choices_.percent(scenario_.percent_unique)) return;
    send.unique = static_cast<std::uint32_t>(choices_.between(1, scenario_.unique_keys));
    send.uniqueness = choices_.one_of<engine::Uniqueness>(
        {engine::Uniqueness::simple,
         engine::Uniqueness::throttle,
         engine::Uniqueness::debounce,
         engine::Uniqueness::keep_latest}
    );
    send.unique_for =
        choices_.one_of<Duration>({seconds(0), seconds(3), seconds(10), minutes(2), minutes(30)});
    if (send.uniqueness == engine::Uniqueness::debounce && choices_.percent(70)) {
        send.delay = choices_.one_of<Duration>({seconds(1), seconds(2), seconds(7)});
    }
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
    draw_traits(send);
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
    if (choices_.percent(scenario_.percent_few_dead)) {
        receive.dead_max = static_cast<std::uint32_t>(choices_.between(0, 2));
        if (receive.attempt == 0) receive.only_dead = choices_.one_of<std::uint32_t>({0, 1, 3});
    }
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
    switch (choices_.below(10)) {
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
        case 7:
            policy.paused = !policy.paused;
            break;
        case 8:
            policy.priority_aging = other.priority_aging;
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
