#include "broker/record_codec.hpp"
#include "cli/data_actions.hpp"
#include "cli/data_replay.hpp"
#include "cli/terminal.hpp"
#include "history/backup.hpp"
#include "schedule/backup.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <utility>

namespace tranter::cli {
namespace {

/// Counts how often each queue's messages stand in the log.
class CountMessages final : public log::RecordVisitor {
  public:
    explicit CountMessages(Progress& progress) : progress_(progress) {}

    void record(log::Position, log::RecordType type, std::string_view body) override {
        progress_.update(++records_);
        if (const auto message = broker::message_key(type, body)) ++by_queue_[message->queue];
    }
    void restart() {
        records_ = 0;
        by_queue_.clear();
    }
    std::uint64_t of(std::uint32_t queue) const {
        const auto found = by_queue_.find(queue);
        return found == by_queue_.end() ? 0 : found->second;
    }

  private:
    Progress& progress_;
    std::uint64_t records_ = 0;
    std::map<std::uint32_t, std::uint64_t> by_queue_{};
};

Json queue_record(const ReplayedQueue& queue, const CountMessages& written) {
    const std::uint64_t stored = written.of(queue.id);
    Json record;
    record.set("name", queue.name)
        .set("messages", queue.messages())
        .set("visible", queue.visible)
        .set("in_flight", queue.in_flight)
        .set("delayed", queue.delayed)
        .set("bytes", queue.bytes)
        .set("dead", stored > queue.messages() ? stored - queue.messages() : 0);
    return record;
}

void add_history(Json& summary, const std::filesystem::path& directory) {
    const auto ended = history::look_at_history(directory / history::history_file);
    if (!ended) say(ended.error().message());
    const auto figures = (ended ? *ended : std::nullopt).value_or(history::FileFigures{});
    summary.set("finished_jobs", figures.entries).set("history_bytes", figures.bytes);
}

void add_schedules(Json& summary, const std::filesystem::path& directory) {
    const auto stored = schedule::look_at_store_file(directory / schedule::schedules_file);
    if (!stored) say(stored.error().message());
    const auto figures = (stored ? *stored : std::nullopt).value_or(schedule::StoreFileFigures{});
    summary.set("schedules", figures.schedules)
        .set("jobs_for_later", figures.waiting_jobs)
        .set("schedules_bytes", figures.bytes);
}

void print(Output& output, Json summary, Json::Array queues) {
    if (output.format() != Format::table) {
        summary.set("queues", std::move(queues));
        return output.one(summary);
    }
    summary.set("queues", queues.size());
    output.one(summary);
    if (queues.empty()) return;
    output.begin(
        {{"name", "NAME"},
         {"messages", "MESSAGES"},
         {"visible", "VISIBLE"},
         {"in_flight", "IN FLIGHT"},
         {"delayed", "DELAYED"},
         {"bytes", "BYTES"},
         {"dead", "DEAD"}}
    );
    for (Json& queue : queues)
        output.row(std::move(queue));
    output.end();
}

}  // namespace

Result<int> stat_data(const Arguments& arguments) {
    const std::string directory = arguments.text("DIR");
    const auto store = look_at(directory);
    if (!store) return std::unexpected(store.error());
    Progress progress;
    progress.start("reading records");
    CountMessages written(progress);
    const log::StoreScan scan = scan_settled(*store, written, [&] { written.restart(); });
    progress.start("restoring queues");
    const Replayed replayed = replay(*store);
    progress.stop();

    const ScanTotals totals = totals_of(scan.segments);
    Json summary;
    summary.set("directory", directory)
        .set("segments", scan.segments.size())
        .set("bytes", totals.bytes)
        .set("live_bytes", replayed.live_bytes)
        .set("records", totals.records)
        .set("messages", replayed.messages);
    add_history(summary, directory);
    add_schedules(summary, directory);
    Json::Array queues;
    for (const ReplayedQueue& queue : replayed.queues)
        queues.push_back(queue_record(queue, written));
    Output output = data_output(arguments, progress);
    print(output, std::move(summary), std::move(queues));
    return 0;
}

}  // namespace tranter::cli
