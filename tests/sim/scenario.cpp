#include "scenario.hpp"

#include <algorithm>

namespace tranter::sim {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Off in a third of the runs, else anything from rare to dominant.
unsigned swarm_weight(Choices& choices, unsigned usual) {
    if (choices.below(3) == 0) return 0;
    return static_cast<unsigned>(choices.between(1, 2 * static_cast<std::int64_t>(usual)));
}

}  // namespace

engine::QueuePolicy draw_policy(Choices& choices, engine::Order order) {
    const bool fifo = order == engine::Order::fifo;
    engine::QueuePolicy policy;
    policy.visibility_timeout = choices.one_of<Duration>(
        {seconds(0), seconds(1), seconds(5), seconds(30), seconds(30), minutes(10), hours(12)}
    );
    policy.delay = choices.one_of<Duration>(
        {seconds(0), seconds(0), seconds(0), seconds(1), seconds(5), minutes(15)}
    );
    policy.retention = choices.one_of<Duration>(
        {seconds(20),
         minutes(1),
         minutes(5),
         hours(2),
         hours(96),
         hours(96),
         hours(24 * 14),
         seconds(0)}
    );
    policy.deduplication_window =
        choices.one_of<Duration>({seconds(1), seconds(10), minutes(5), minutes(5)});
    policy.deduplication_scope = choices.percent(50) ? engine::DeduplicationScope::queue
                                                     : engine::DeduplicationScope::message_group;
    policy.max_receives = choices.one_of<std::uint32_t>({0, 0, 1, 2, 3, 5});
    policy.max_in_flight = choices.one_of<std::uint32_t>({0, 120'000, 120'000, 120'000, 3, 15});
    policy.groups.order = order;
    policy.groups.fairness = choices.one_of<engine::Fairness>(
        {engine::Fairness::off, engine::Fairness::round_robin, engine::Fairness::aws}
    );
    policy.groups.max_in_flight_per_group =
        choices.one_of<std::uint32_t>({0, 0, 0, 0, 1, fifo ? 0U : 2U, fifo ? 0U : 4U});
    policy.groups.max_queued_per_group = choices.one_of<std::uint32_t>({0, 0, 0, 0, 2, 6});
    policy.priority_aging = choices.one_of<Duration>(
        {seconds(0), seconds(1), seconds(10), minutes(1), minutes(1), hours(1000), Duration::max()}
    );
    return policy;
}

namespace {

/// What only jobs do; in the rest of the runs the queues are SQS's.
void draw_jobs(Scenario& scenario, Choices& choices) {
    scenario.percent_priority = choices.one_of<unsigned>({0, 30, 100});
    scenario.percent_own_receives = choices.one_of<unsigned>({0, 0, 30});
    scenario.percent_deadline = choices.one_of<unsigned>({0, 0, 30});
    scenario.percent_unique = choices.one_of<unsigned>({0, 0, 40});
    scenario.unique_keys = static_cast<std::uint32_t>(choices.between(1, 4));
    auto& weights = scenario.weights;
    weights.settle = swarm_weight(choices, 30);
    weights.extend = swarm_weight(choices, 8);
    weights.note = swarm_weight(choices, 6);
    weights.find = swarm_weight(choices, 4);
    weights.cancel = swarm_weight(choices, 6);
    weights.promote = swarm_weight(choices, 4);
    weights.take_out = swarm_weight(choices, 3);
    weights.list = swarm_weight(choices, 3);
    weights.restart = choices.percent(50) ? 2 : 0;
    // Priorities do not meet in a line that is always empty.
    if (scenario.percent_priority > 0) scenario.depth = std::max(scenario.depth, 10U);
}

}  // namespace

Scenario draw_scenario(Choices& choices) {
    Scenario scenario;
    const auto order = choices.percent(45) ? engine::Order::fifo : engine::Order::none;
    scenario.policies[0] = draw_policy(choices, order);
    scenario.policies[1] = draw_policy(choices, order);
    // Deliveries are only ever dead for the first queue, so that a dead letter comes to rest.
    scenario.policies[1].max_receives = 0;

    scenario.groups = static_cast<std::uint32_t>(choices.between(1, 8));
    scenario.percent_without_group = choices.one_of<unsigned>({0, 0, 10, 50, 100});
    if (order == engine::Order::fifo) scenario.percent_without_group = 0;
    scenario.deduplication_ids = static_cast<std::uint32_t>(choices.between(1, 12));
    scenario.percent_repeated_id = choices.one_of<unsigned>({0, 20, 60});
    scenario.percent_to_dead_queue = choices.one_of<unsigned>({0, 5, 30});
    scenario.depth = choices.one_of<std::uint32_t>({3, 10, 25, 25, 60});
    scenario.body_bytes_max = choices.one_of<std::uint32_t>({4, 16, 16, 200});
    scenario.exact_times = choices.percent(60);
    scenario.start = Instant(seconds(1'800'000'000));
    if (!scenario.exact_times) scenario.start += Duration(choices.below(1'000'000));
    scenario.step = choices.one_of<Duration>({milliseconds(50), seconds(2), seconds(20)});
    if (scenario.exact_times && scenario.step < seconds(1)) scenario.step = seconds(1);
    scenario.whole_batches = choices.percent(30);

    auto& weights = scenario.weights;
    weights.send = static_cast<unsigned>(choices.between(10, 60));
    weights.receive = static_cast<unsigned>(choices.between(10, 60));
    weights.acknowledge = swarm_weight(choices, 30);
    weights.change_visibility = swarm_weight(choices, 15);
    weights.take_back = swarm_weight(choices, 5);
    weights.move = swarm_weight(choices, 4);
    weights.purge = choices.percent(30) ? 1 : 0;
    weights.set_policy = choices.percent(30) ? 2 : 0;
    weights.wait = swarm_weight(choices, 30);
    weights.wait_for_next_event = swarm_weight(choices, 10);
    weights.jump = choices.percent(50) ? 1 : 0;
    weights.advance = swarm_weight(choices, 5);
    weights.peek = swarm_weight(choices, 3);
    scenario.percent_forged = choices.one_of<unsigned>({0, 5, 30});
    scenario.percent_attempt_id = choices.one_of<unsigned>({0, 0, 50});
    scenario.percent_own_delay = choices.one_of<unsigned>({0, 30});
    scenario.percent_own_visibility = choices.one_of<unsigned>({0, 50, 100});
    scenario.percent_few_dead = choices.one_of<unsigned>({0, 30});
    scenario.percent_keep_exhausted = choices.one_of<unsigned>({0, 0, 10});

    if (choices.percent(60)) draw_jobs(scenario, choices);

    // A queue of the default rule needs a crowd before any group can be noisy.
    if (order == engine::Order::none &&
        scenario.policies[0].groups.fairness == engine::Fairness::aws && choices.percent(40)) {
        scenario.depth = 200;
        scenario.whole_batches = true;
        scenario.policies[0].max_in_flight = 0;
        scenario.policies[0].groups.max_in_flight_per_group = 0;
        scenario.policies[0].visibility_timeout = minutes(10);
        scenario.percent_own_visibility = 0;
        scenario.percent_without_group = 10;
        scenario.groups = static_cast<std::uint32_t>(choices.between(2, 4));
        weights.acknowledge /= 3;
    }
    return scenario;
}

}  // namespace tranter::sim
