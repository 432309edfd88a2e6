#pragma once

#include "cli/args.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "log/scan.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// What the `tranter data` commands have in common.
namespace tranter::cli {

/// A data directory that is looked at while a server may run on it.
struct LookedAt {
    std::unique_ptr<log::Disk> disk;
    log::StoreIdentity identity{};
    bool in_use = false;
};

/// Says on stderr when a server runs on it. `not_found` when there is no store; throws CorruptLog
/// when its identity is damaged.
[[nodiscard]] Result<LookedAt> look_at(const std::filesystem::path& directory);

/// Reads everything, damaged or not. A running server may compact a segment away or be half-way
/// through a write: then it is read again, after `restart` was called.
log::StoreScan scan_settled(
    const LookedAt& store, log::RecordVisitor& visitor, const std::function<void()>& restart
);

/// How often what a running server changes under our eyes is read before it is called damaged.
inline constexpr int read_tries_max = 5;

/// Null when there is no such file any more: a running server compacts segments away.
std::unique_ptr<log::File> open_if_there(log::Disk& disk, const std::string& name);

/// What is damaged, without the torn tail that any crash leaves.
std::vector<log::Damage> real_damage(const std::vector<log::Damage>& all);
/// A line on stderr for each.
void say_damage(const std::vector<log::Damage>& all);
Json damage_record(const log::Damage& damage);

struct ScanTotals {
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    std::uint64_t commits = 0;
};
ScanTotals totals_of(std::span<const log::SegmentScan> segments);

/// Where results go, as `-o` says.
Output data_output(const Arguments& arguments, Progress& progress);
std::vector<Option> data_options(std::vector<Option> own = {});

}  // namespace tranter::cli
