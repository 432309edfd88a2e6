#pragma once

#include "invariant.hpp"

#include <cstdint>

namespace tranter::store_sim {

/// What a run of slots went through.
struct SlotsTally {
    std::uint64_t crashes = 0;        // of all kinds
    std::uint64_t vanished = 0;       // consumers with deliveries that they never settled
    std::uint64_t kills = 0;          // of the server
    std::uint64_t power_cuts = 0;     // of its machine
    std::uint64_t held_in_crash = 0;  // deliveries that were held when something crashed
    std::uint64_t received = 0;
    std::uint64_t refused = 0;       // sends of a group that was full
    std::uint64_t kept_waiting = 0;  // messages that waited while the limits were used up
};

/// Consumers take messages under all three limits of a queue (in flight, in flight per group,
/// queued per group) and `crashes` times somebody dies: a consumer with what it holds, the server,
/// or its machine. After each of them, and again once all leases have ended, exactly as many
/// messages can be had as the limits leave, and exactly as many be sent. Throws Violation.
SlotsTally run_slots(std::uint64_t seed, std::uint64_t crashes);

}  // namespace tranter::store_sim
