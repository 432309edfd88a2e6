#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tranter::sim {

/// What the simulation holds the engine to (SQS_SPEC 4.4 to 12). mutations.py says which planted
/// bug each of them must find.
enum class Invariant : std::uint8_t {
    nothing_lost,    // an accepted, unfinished message is there and comes out
    no_ghosts,       // nothing is delivered that was deleted, purged, moved away or never sent
    payload_intact,  // what comes out is what went in, and its send time, group and origin
    fifo_order,      // a group's messages come in order of acceptance, also after redelivery
    group_lock,      // nothing passes an unfinished message of its group
    visible_order,   // one line: who became visible first is handed out first
    delay,           // nothing is delivered before its delay ends
    lease,           // hidden from others until the lease ends
    receive_count,   // one more for each delivery
    dead_letter,     // exactly those that used up max_receives, when they would be delivered
    deduplication,   // one message per id and window, counted from the first send
    fairness,        // the bound of the queue's fairness rule
    receipts,        // stale and forged receipts change nothing
    attempt_id,      // a repeated receive request gets the same deliveries
    retention,       // expiry at sent + retention, in every state
    limits,          // in flight and queued limits, in all and per group
    counters,        // every counter equals the model's
    next_event,      // never later than the next change
    links,           // Queue::check() finds nothing
    drains,          // when the load ends, everything comes out
    priority,        // a level is worth some waiting, inside a line and between lines
    paused,          // nothing is handed out
    deadline,        // what was not begun in time ends, and says so
    cancel,          // what waits goes at once; what runs is asked, and never comes back
    uniqueness,      // one message per key, as the mode says
    settling,        // only by who holds it, and with the effect that was asked for
    notes,           // kept with the message
    lookup,          // by id and in lists: everything that is there, and nothing else
    restart,         // a queue made again is what it was
    answers,         // errors, flags and policies as the contract says
    deterministic,   // the same seed gives the same run
};

inline constexpr std::array<std::string_view, 31> invariant_names = {
    "nothing_lost",  "no_ghosts", "payload_intact", "fifo_order",    "group_lock",
    "visible_order", "delay",     "lease",          "receive_count", "dead_letter",
    "deduplication", "fairness",  "receipts",       "attempt_id",    "retention",
    "limits",        "counters",  "next_event",     "links",         "drains",
    "priority",      "paused",    "deadline",       "cancel",        "uniqueness",
    "settling",      "notes",     "lookup",         "restart",       "answers",
    "deterministic",
};

inline std::string_view name(Invariant invariant) {
    return invariant_names[static_cast<std::size_t>(invariant)];
}

/// The engine did something that it must not do.
class Violation : public std::runtime_error {
  public:
    Violation(Invariant invariant, const std::string& text)
        : std::runtime_error(text), invariant_(invariant) {}
    Invariant invariant() const { return invariant_; }

  private:
    Invariant invariant_;
};

}  // namespace tranter::sim
