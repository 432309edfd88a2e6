#include "cli/data_actions.hpp"
#include "cli/data_files.hpp"
#include "cli/data_records.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <utility>

namespace tranter::cli {
namespace {

class PrintRecords final : public log::RecordVisitor {
  public:
    PrintRecords(Output& output, bool bodies) : output_(output), bodies_(bodies) {}

    void record(log::Position at, log::RecordType type, std::string_view body) override {
        Json row;
        row.set("file", log::segment_name(log::segment_of(at)))
            .set("offset", log::offset_of(at))
            .set("bytes", body.size());
        if (const Result<> said = describe_record(row, type, body, bodies_); !said) {
            unknown_.push_back(
                {.file = log::segment_name(log::segment_of(at)),
                 .offset = log::offset_of(at),
                 .what = said.error().message()}
            );
        }
        output_.row(std::move(row));
    }
    const std::vector<log::Damage>& unknown() const { return unknown_; }

  private:
    Output& output_;
    const bool bodies_;
    std::vector<log::Damage> unknown_{};
};

}  // namespace

Result<int> dump_data(const Arguments& arguments) {
    const auto store = look_at(arguments.text("DIR"));
    if (!store) return std::unexpected(store.error());
    Output output({
        .format = choose_format(arguments.find("output").value_or("ndjson"), false),
        .fd = STDOUT_FILENO,
        .columns = terminal_columns(STDOUT_FILENO),
    });
    output.begin(
        {{"file", "FILE"},
         {"offset", "OFFSET"},
         {"bytes", "BYTES"},
         {"type", "TYPE"},
         {"queue", "QUEUE"},
         {"sequence", "SEQUENCE"},
         {"name", "NAME"},
         {"body", "BODY"}}
    );
    PrintRecords print(output, arguments.is_on("bodies"));
    std::vector<log::SegmentScan> segments;
    const auto numbers = log::list_segments(*store->disk);
    for (const log::SegmentNumber number : numbers) {
        const std::string name = log::segment_name(number);
        const auto file = open_if_there(*store->disk, name);
        if (!file) {
            say(fmt::format("{} was compacted away meanwhile", name));
            continue;
        }
        const log::ScanOptions options{.salvage = true, .newest = number == numbers.back()};
        segments.push_back(log::scan_segment(*file, store->identity.id, number, options, print));
        // What is being written looks damaged when it is overtaken.
        if (store->in_use && options.newest) segments.back().damage.clear();
    }
    output.end();
    auto damage = log::StoreScan{.segments = std::move(segments)}.damage();
    damage.insert(damage.end(), print.unknown().begin(), print.unknown().end());
    say_damage(damage);
    return real_damage(damage).empty() ? 0 : 1;
}

}  // namespace tranter::cli
