#pragma once

#include "base/time.hpp"
#include "choices.hpp"
#include "engine/types.hpp"

#include <array>
#include <cstdint>

namespace tranter::sim {

/// The character of one run: the rules of its two queues and what its clients like to do. Each run
/// draws its own and switches whole families of operations off, so that rare combinations get runs
/// to themselves (swarm testing).
struct Scenario {
    Instant start{};
    std::array<engine::QueuePolicy, 2> policies{};
    std::uint32_t groups = 1;
    unsigned percent_without_group = 0;
    std::uint32_t deduplication_ids = 1;
    unsigned percent_repeated_id = 0;
    unsigned percent_to_dead_queue = 0;  // operations that go to the dead-letter queue directly
    std::uint32_t depth = 20;            // sends pause while a queue holds this many
    std::uint32_t body_bytes_max = 16;
    Duration step{};          // usual time between operations, at most
    bool exact_times = true;  // whole seconds only, so that several things happen at one moment
    bool whole_batches = false;

    struct Weights {
        unsigned send = 0;
        unsigned receive = 0;
        unsigned acknowledge = 0;
        unsigned change_visibility = 0;
        unsigned take_back = 0;
        unsigned move = 0;
        unsigned purge = 0;
        unsigned set_policy = 0;
        unsigned wait = 0;
        unsigned wait_for_next_event = 0;
        unsigned jump = 0;
        unsigned advance = 0;
        unsigned peek = 0;
        unsigned settle = 0;
        unsigned extend = 0;
        unsigned note = 0;
        unsigned find = 0;
        unsigned cancel = 0;
        unsigned promote = 0;
        unsigned take_out = 0;
        unsigned list = 0;
        unsigned restart = 0;
    } weights{};
    unsigned percent_forged = 0;
    unsigned percent_attempt_id = 0;
    unsigned percent_own_delay = 0;
    unsigned percent_own_visibility = 0;
    unsigned percent_keep_exhausted = 0;
    unsigned percent_few_dead = 0;  // that one receive may take out
    // Of sends:
    unsigned percent_priority = 0;
    unsigned percent_own_receives = 0;
    unsigned percent_deadline = 0;
    unsigned percent_unique = 0;
    std::uint32_t unique_keys = 1;
};

Scenario draw_scenario(Choices& choices);
/// New rules for a queue of the same order.
engine::QueuePolicy draw_policy(Choices& choices, engine::Order order);

}  // namespace tranter::sim
