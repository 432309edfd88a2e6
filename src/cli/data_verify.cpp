#include "broker/record_codec.hpp"
#include "cli/data_actions.hpp"
#include "cli/data_files.hpp"
#include "history/backup.hpp"
#include "schedule/backup.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

/// Counts, and notes records whose bytes are intact and say nothing that we know.
class CheckRecords final : public log::RecordVisitor {
  public:
    explicit CheckRecords(Progress& progress) : progress_(progress) {}

    void record(log::Position at, log::RecordType type, std::string_view body) override {
        progress_.update(++count_);
        if (const Result<> known = broker::decode(type, body, decoded_); !known) {
            unknown_.push_back(
                {.file = log::segment_name(log::segment_of(at)),
                 .offset = log::offset_of(at),
                 .what = known.error().message()}
            );
        }
    }
    void restart() {
        count_ = 0;
        unknown_.clear();
    }
    const std::vector<log::Damage>& unknown() const { return unknown_; }

  private:
    Progress& progress_;
    std::uint64_t count_ = 0;
    broker::DecodedRecord decoded_{};
    std::vector<log::Damage> unknown_{};
};

/// Finished jobs in the directory. What is wrong with them is one more damage.
Result<std::uint64_t> verify_history(
    const std::filesystem::path& directory, std::vector<log::Damage>& damage
) {
    const auto ended = history::check_history(directory / history::history_file);
    if (ended) return ended->value_or(history::FileFigures{}).entries;
    if (ended.error().code() != Errc::corrupted) return std::unexpected(ended.error());
    damage.push_back({.file = std::string(history::history_file), .what = ended.error().message()});
    return 0;
}

/// The same of schedules and jobs for later.
Result<schedule::StoreFileFigures> verify_schedules(
    const std::filesystem::path& directory, std::vector<log::Damage>& damage
) {
    const auto stored = schedule::check_store_file(directory / schedule::schedules_file);
    if (stored) return stored->value_or(schedule::StoreFileFigures{});
    if (stored.error().code() != Errc::corrupted) return std::unexpected(stored.error());
    damage.push_back(
        {.file = std::string(schedule::schedules_file), .what = stored.error().message()}
    );
    return schedule::StoreFileFigures{};
}

}  // namespace

Result<int> verify_data(const Arguments& arguments) {
    const std::string directory = arguments.text("DIR");
    const auto store = look_at(directory);
    if (!store) return std::unexpected(store.error());
    Progress progress;
    progress.start("reading records");
    CheckRecords check(progress);
    const log::StoreScan scan = scan_settled(*store, check, [&] { check.restart(); });
    std::vector<log::Damage> damage = scan.damage();
    damage.insert(damage.end(), check.unknown().begin(), check.unknown().end());
    progress.start("reading finished jobs");
    const auto ended = verify_history(directory, damage);
    if (!ended) return std::unexpected(ended.error());
    progress.start("reading schedules");
    const auto stored = verify_schedules(directory, damage);
    if (!stored) return std::unexpected(stored.error());
    progress.stop();

    const bool intact = real_damage(damage).empty();
    const ScanTotals totals = totals_of(scan.segments);
    Json list = Json::Array();
    for (const log::Damage& one : damage)
        list.push(damage_record(one));
    Json record;
    record.set("directory", directory)
        .set("intact", intact)
        .set("segments", scan.segments.size())
        .set("bytes", totals.bytes)
        .set("records", totals.records)
        .set("commits", totals.commits)
        .set("finished_jobs", *ended)
        .set("schedules", stored->schedules)
        .set("jobs_for_later", stored->waiting_jobs)
        .set("damage", std::move(list));
    data_output(arguments, progress).one(record);
    say_damage(damage);
    return intact ? 0 : 1;
}

}  // namespace tranter::cli
