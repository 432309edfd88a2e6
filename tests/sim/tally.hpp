#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tranter::sim {

/// Rare branches that a good run must have been through. A simulation that never dead-letters
/// proves nothing about dead letters, so `--require-probes` fails when one was never hit.
enum class Probe : std::uint8_t {
    dead_lettered,
    moved_back,
    deduplicated,
    sent_again_after_window,
    attempt_repeated,
    attempt_lapsed,
    taken_back,
    take_back_refused,
    taken_back_elsewhere,
    blocked_group_skipped,
    stopped_before_leased,
    noisy_in_flight,
    noisy_busy,
    noisy_group_waited,
    round_robin_turn,
    expired_in_flight,
    expired_delayed,
    purged_in_flight,
    lease_ended,
    lease_extended,
    hidden_again,
    twelve_hours,
    stale_receipt,
    forged_receipt,
    deleted_after_lease,
    in_flight_limit,
    group_in_flight_limit,
    group_queued_limit,
    delay_changed,
    retention_lowered,
    several_due_at_once,
    zero_visibility,
    urgent_went_first,
    aged_went_first,
    receive_while_paused,
    deadline_waiting,
    deadline_in_flight,
    own_receive_limit,
    cancelled_waiting,
    cancel_requested,
    cancelled_on_return,
    key_held,
    throttled,
    throttled_without_message,
    replaced_in_place,
    replaced_elsewhere,
    debounce_limit,
    put_back_in_place,
    put_back_delayed,
    settle_refused,
    extended_past_twelve_hours,
    noted,
    found,
    promoted,
    taken_out,
    listed_after_gone,
    restarted,
    ended_during_restart,
    held_back,
    held_in_line,
    let_go,
    dead_left,
    move_went_on,
};

inline constexpr std::array<std::string_view, 63> probe_names = {
    "dead-lettered",
    "moved back from the dead-letter queue",
    "duplicate sends",
    "same id sent after its window",
    "attempt id repeated",
    "attempt id lapsed",
    "deliveries taken back",
    "take-backs without effect",
    "take-backs of what another answer has",
    "receives past a blocked group",
    "group delivered up to a leased message",
    "groups noisy by their number in flight",
    "groups noisy by their processing time",
    "noisy group waited for a quiet one",
    "round-robin turns",
    "expired in flight",
    "expired while delayed",
    "purged in flight",
    "leases that ended",
    "leases extended",
    "hidden again after the lease",
    "twelve hours refused",
    "stale receipts",
    "forged receipts",
    "deleted after the lease",
    "in-flight limit reached",
    "group in-flight limit reached",
    "group queued limit reached",
    "delay changed while delayed",
    "retention lowered to expiry",
    "several due at once",
    "visibility timeout of zero",
    "more urgent ones that went first",
    "less urgent ones that had waited longer",
    "receives from a paused queue",
    "deadlines of messages that waited",
    "deadlines that passed in flight",
    "dead by a receive limit of their own",
    "cancelled while they waited",
    "asked to stop in flight",
    "cancelled instead of coming back",
    "sends whose key was held",
    "throttled sends",
    "throttled after the message had gone",
    "replaced in their place",
    "replaced with another place or delay",
    "debounced up to the limit",
    "put back in their place",
    "put back with a delay",
    "settlements refused",
    "leases of more than twelve hours",
    "notes",
    "found by id",
    "promoted",
    "taken out by id",
    "lists after a message that is gone",
    "restarts",
    "ended by a restart",
    "held back for another with their key",
    "of those, taken out of line",
    "held back no more",
};

/// What the runs so far went through.
struct Tally {
    std::array<std::uint64_t, probe_names.size()> probes{};
    std::uint64_t operations = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t simulated_microseconds = 0;

    void hit(Probe probe, std::uint64_t times = 1) {
        probes[static_cast<std::size_t>(probe)] += times;
    }
};

}  // namespace tranter::sim
