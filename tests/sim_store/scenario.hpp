#pragma once

#include "base/time.hpp"
#include "choices.hpp"
#include "log/log.hpp"
#include "virtual_disk.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tranter::store_sim {

enum class Kind : std::uint8_t {
    // clients
    send,
    receive,
    acknowledge,
    change_visibility,
    take_back,
    send_batch,
    settle,
    extend,
    keep_note,
    cancel,
    promote,
    move_job,
    create_queue,
    delete_queue,
    purge,
    change_settings,
    start_move_task,
    cancel_move_task,
    // the threads of the process
    write,
    sync,
    rest,
    compact,
    run_due,
    check_space,
    // the world
    pass_time,
    kill,
    power_cut,
    plan_crash,
    fill_disk,
    relieve_disk,
    forget_pages,
    // looks
    take_suffix,
    end,
};
inline constexpr std::size_t kinds = static_cast<std::size_t>(Kind::end);

inline constexpr std::array<std::string_view, kinds> kind_names = {
    "send",
    "receive",
    "acknowledge",
    "change visibility",
    "take back",
    "send batch",
    "settle",
    "extend",
    "keep note",
    "cancel",
    "promote",
    "move job",
    "create queue",
    "delete queue",
    "purge",
    "change settings",
    "start move task",
    "cancel move task",
    "write",
    "sync",
    "rest",
    "compact",
    "run due",
    "check space",
    "pass time",
    "kill",
    "power cut",
    "plan a crash",
    "fill disk",
    "relieve disk",
    "forget pages",
    "take a suffix",
};

/// What happens next. Everything that is drawn on the way follows from its own seed, so taking
/// other steps out of a history leaves this one as it was.
struct Step {
    Kind kind{};
    std::uint64_t seed = 0;
};

/// What one run is about, drawn from its seed. Each run does without some kinds of operations and
/// faults and overdoes others, so that rare combinations get whole runs to themselves.
struct Scenario {
    std::array<unsigned, kinds> weights{};
    log::LogOptions log{};
    DiskFaults faults{};
    unsigned percent_overlap = 0;      // clients go on while a disk call is under way
    unsigned percent_crash_again = 0;  // while recovering
    unsigned percent_torn_later = 0;   // after a crash the page cache drops what failed
    unsigned percent_clock_back = 0;   // while the process is down
    unsigned percent_forced = 30;      // compactions of a segment however much of it is live
    std::uint32_t body_bytes_max = 64;
    std::uint32_t groups = 2;
    std::uint32_t ids = 4;   // de-duplication ids in use
    std::size_t depth = 40;  // messages at which clients stop sending
    unsigned percent_forged = 0;
    unsigned percent_traits = 0;
    std::uint32_t keys = 2;          // unique keys in use
    std::uint64_t memory_limit = 0;  // beyond three quarters of it bodies stay in the log
    bool short_times = false;        // retention and de-duplication windows end within a run
    bool steady = false;             // no faults: the log's size is watched
    bool damage = false;             // ends with a flipped bit
    Instant start{};
};

Scenario draw_scenario(sim::Choices& choices);
std::vector<Step> draw_steps(const Scenario& scenario, sim::Choices& choices, std::size_t count);

}  // namespace tranter::store_sim
