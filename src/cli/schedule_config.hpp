#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "cli/worker_config.hpp"

#include <tranter/schedule.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tranter::cli {

/// What `tranter schedule` and `tranter timers` do. The members hold the defaults.
struct SchedulerConfig {
    std::string store{};  ///< URL; empty: schedules.db in the data directory
    Duration poll_interval = std::chrono::seconds(60);
    Duration lease = std::chrono::seconds(10);
    Duration keep_runs = std::chrono::hours(24 * 30);
    std::string name{};  ///< for people; empty: host name and process id
    Duration late_after = std::chrono::minutes(1);

    bool operator==(const SchedulerConfig&) const = default;
};

/// A table [schedules.NAME]. Exactly one of `cron` and `every` is set.
struct ScheduleConfig {
    std::string name;
    std::string cron{};
    std::string every{};
    std::string timezone{};
    DstGap dst_gap = DstGap::run_after;
    DstOverlap dst_overlap = DstOverlap::first;

    std::string queue = "default";
    std::string type{};
    std::string payload = "null";  ///< JSON
    std::uint32_t priority = priority_default;
    std::string group{};
    std::vector<std::string> tags{};
    Duration timeout{};   ///< of an attempt; 0: none
    Duration ttl{};       ///< 0: none
    RetryConfig retry{};  ///< max_attempts 0: that of every job

    Misfire misfire = Misfire::run_once;
    Duration misfire_window = std::chrono::hours(1);
    std::uint32_t misfire_cap = 100;
    Overlap overlap = Overlap::allow;
    IntervalAnchor anchor = IntervalAnchor::epoch;
    Duration jitter{};
    std::string start_at{};  ///< RFC 3339; empty: none
    std::string end_at{};
    std::uint32_t max_runs = 0;

    bool operator==(const ScheduleConfig&) const = default;
};

/// `invalid_argument` when a time cannot be read; everything else was checked when it was read.
[[nodiscard]] Result<ScheduleDefinition> schedule_definition(const ScheduleConfig& config);

}  // namespace tranter::cli
