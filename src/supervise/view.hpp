#pragma once

#include "base/time.hpp"
#include "supervise/descendants.hpp"
#include "supervise/fleet.hpp"
#include "supervise/instance.hpp"
#include "supervise/restart.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tranter::supervise {

/// One instance at one moment, for people and for metrics.
struct InstanceView {
    /// PM2's pm_id: from 0, given once for each instance that a supervisor has known, and kept
    /// over restarts.
    std::uint32_t key = 0;
    InstanceId id{};
    /// While it is replaced: the number that it was told at its start, see Fleet::own_number().
    std::optional<std::uint32_t> own_number{};
    std::string space{};
    State state = State::stopped;
    pid_t pid = 0;         // of its leader; 0: does not run
    Instant started_at{};  // the latest start; {}: never
    std::uint64_t restarts = 0;
    std::uint32_t unstable_restarts = 0;
    std::optional<Ending> last_ending{};
    /// Of all its processes, as they were measured last. The processor time is of this start only.
    ResourceUse use{};
    double cpu_share = 0;                 // of one processor, between the last two measurements
    std::uint64_t log_bytes = 0;          // that it has printed since it is known
    std::uint64_t log_lines_dropped = 0;  // of its log files, by all who write to them
    /// Why it is as it is, for people: what it waits for, why it failed, that it is stuck.
    std::string note{};
};

/// What happened, in order. `number` grows by one with each, so that whoever comes back can ask for
/// what he has missed.
struct Event {
    enum class Kind : std::uint8_t { change, reloaded, removed, watch };
    std::uint64_t number = 0;
    Kind kind = Kind::change;
    InstanceId id{};
    State from = State::stopped;
    State to = State::stopped;
    Instant at{};
    std::string cause{};
    std::optional<Ending> ending{};
};

/// A whole line that an instance has printed, as it stands in its log file.
struct OutputLine {
    InstanceId id{};
    bool is_errors = false;
    Instant at{};
    std::string text{};  // without the newline
};

}  // namespace tranter::supervise
