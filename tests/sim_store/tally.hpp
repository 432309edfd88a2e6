#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tranter::store_sim {

/// Rare branches that a good run must have been through; `--require-probes` fails when one was
/// never hit.
enum class Probe : std::uint8_t {
    acked_send,
    acked_delete,
    acked_queue_change,
    duplicate_send,
    duplicate_after_crash,
    dead_lettered,
    moved_by_task,
    task_resumed,
    old_receipt_after_kill,
    stale_receipt,
    forged_receipt,
    purged,
    queue_deleted,
    queue_again,
    settings_changed,
    expired,
    torn_tail,
    lost_unsynced,
    kept_unsynced,
    part_of_operation,
    crash_in_write,
    crash_in_sync,
    crash_in_compaction,
    crash_in_recovery,
    failed_recovery,
    log_failed,
    no_space,
    space_again,
    refused_for_space,
    refused_after_failure,
    overlapped,
    rotated,
    compacted,
    suffix_opened,
    flip_refused,
    flip_harmless,
    repaired,
    clock_went_back,
    read_what_never_reached_the_disk,
    body_in_the_log,
    out_of_memory,
    batch_sent,
    batch_refused,
    batch_lost,
    replaced,
    key_taken,
    throttled,
    settled,
    settled_too_late,
    taken_out,
    extended,
    noted,
    note_delivered,
    cancelled,
    cancel_requested,
    cancelled_by_its_lease,
    deadline_passed,
    gave_up,
    promoted,
    job_moved,
    ending_reported,
    held_back,
};

inline constexpr std::array<std::string_view, 62> probe_names = {
    "sends acknowledged",
    "deletes acknowledged",
    "changes of queues acknowledged",
    "duplicate sends",
    "duplicate of a send before a crash",
    "dead letters",
    "moved by a task",
    "move tasks that went on after a crash",
    "receipts used after a kill",
    "stale receipts",
    "forged receipts",
    "purges",
    "queues deleted",
    "queue names used again",
    "settings changed",
    "messages expired",
    "torn tails",
    "crashes that lost what nobody waited for",
    "power cuts that lost nothing",
    "crashes inside an operation of several records",
    "crashes in a write",
    "crashes in a sync",
    "crashes in compaction",
    "crashes in recovery",
    "recoveries that the disk failed",
    "logs that ended after a failure",
    "writes without space",
    "logs that went on with space",
    "refused for want of space",
    "refused after a failure",
    "operations during a disk call",
    "segments begun",
    "segments compacted",
    "suffixes opened",
    "flipped bits refused",
    "flipped bits in unused bytes",
    "stores repaired",
    "clocks that went back",
    "recoveries from pages that never reached the disk",
    "bodies that were only in the log",
    "sends refused for want of memory",
    "batches sent",
    "batches refused",
    "batches lost in a crash",
    "messages replaced",
    "duplicates by a key that was held",
    "duplicates by a throttle",
    "deliveries settled",
    "settlements that came too late",
    "deliveries given up",
    "leases extended",
    "notes kept",
    "notes delivered",
    "waiting messages cancelled",
    "messages in flight cancelled",
    "cancelled messages whose lease ended",
    "deadlines passed",
    "messages without receives and dead-letter queue",
    "messages promoted",
    "messages moved by their id",
    "endings reported",
    "messages held back for another with their key",
};

/// What the runs so far went through.
struct Tally {
    std::array<std::uint64_t, probe_names.size()> probes{};
    std::uint64_t operations = 0;
    std::uint64_t steps = 0;
    std::uint64_t recoveries = 0;
    std::uint64_t power_cuts = 0;
    std::uint64_t kills = 0;
    std::uint64_t failed_syncs = 0;
    std::uint64_t failed_writes = 0;
    std::uint64_t full_writes = 0;
    std::uint64_t torn_sectors = 0;
    std::uint64_t simulated_microseconds = 0;

    void hit(Probe probe, std::uint64_t times = 1) {
        probes[static_cast<std::size_t>(probe)] += times;
    }
};

}  // namespace tranter::store_sim
