#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tranter::store_sim {

/// What the simulation holds the store to (RELIABILITY 3.2). mutations.py says which planted bug
/// each of them must find.
enum class Invariant : std::uint8_t {
    nothing_lost,    // what was acknowledged is there after a crash, and comes out
    no_ghosts,       // nothing is there that was deleted, purged, moved away or never sent
    payload_intact,  // what comes out is what went in
    state,           // a recovered message stands where its last surviving record left it
    settings,        // queues, settings and tags as they were last acknowledged
    fifo_order,      // a group's messages come in order
    group_lock,      // nothing passes an unfinished message of its group
    delay,           // nothing is delivered before its delay ends
    lease,           // hidden from others until the lease ends
    receive_count,   // one more for each delivery
    dead_letter,     // exactly those that used up max_receives
    deduplication,   // one message per id and window, also across a crash
    receipts,        // old receipts work, stale and forged ones change nothing
    sequence,        // a number that somebody saw is never given again
    move_task,       // a running task goes on, a finished one does not
    answers,         // errors and counts as the contract says
    acknowledged,    // nothing is acknowledged after a failure, everything after a sync
    opens,           // a store opens after every crash
    corruption,      // damage is found, named and repaired
    self_contained,  // every suffix of segments is a store
    disk_bound,      // the log is not much larger than what is live
    drains,          // when the faults end, everything comes out
    batch,           // all messages of a batch, or none
    unique,          // one message with a key waits at most, throttles last
    held,            // only who holds a delivery settles it, and finds what was noted
    reported,        // what ends by itself is reported once, and is gone
    limits,          // as many in flight and queued as the limits leave, also after crashes
    deterministic,   // the same seed gives the same run
};

inline constexpr std::array<std::string_view, 28> invariant_names = {
    "nothing_lost", "no_ghosts",     "payload_intact", "state",      "settings",
    "fifo_order",   "group_lock",    "delay",          "lease",      "receive_count",
    "dead_letter",  "deduplication", "receipts",       "sequence",   "move_task",
    "answers",      "acknowledged",  "opens",          "corruption", "self_contained",
    "disk_bound",   "drains",        "batch",          "unique",     "held",
    "reported",     "limits",        "deterministic",
};

inline std::string_view name(Invariant invariant) {
    return invariant_names[static_cast<std::size_t>(invariant)];
}

/// The store did something that it must not do.
class Violation : public std::runtime_error {
  public:
    Violation(Invariant invariant, const std::string& text)
        : std::runtime_error(text), invariant_(invariant) {}
    Invariant invariant() const { return invariant_; }

  private:
    Invariant invariant_;
};

}  // namespace tranter::store_sim
