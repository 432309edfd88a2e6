#include "cli/schedule_record.hpp"

#include "schedule/wire_json.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tranter::cli {
namespace {

/// Members in the style of a command.
class RecordSink final : public schedule::MemberSink {
  public:
    RecordSink(Json& record, const TimeStyle& style) : record_(record), style_(style) {}
    void text(std::string_view name, std::string_view value) override { record_.set(name, value); }
    void number(std::string_view name, std::uint64_t value) override { record_.set(name, value); }
    void flag(std::string_view name, bool value) override { record_.set(name, value); }
    void json(std::string_view name, std::string_view value) override {
        record_.set(name, Json::verbatim(std::string(value)));
    }
    void null(std::string_view name) override { record_.set(name, Json()); }
    void time(std::string_view name, TimePoint when) override {
        record_.set(name, time_cell(when, style_));
    }

  private:
    Json& record_;
    const TimeStyle& style_;
};

}  // namespace

Json schedule_record(const Schedule& schedule, const TimeStyle& style) {
    Json record;
    RecordSink out(record, style);
    schedule::show_schedule(out, schedule);
    return record;
}

std::vector<Column> schedule_columns() {
    return {
        {"name", "NAME"},
        {"expression", "WHEN"},
        {"timezone", "ZONE"},
        {"state", "STATE"},
        {"next_run_at", "NEXT"},
        {"last_run_at", "LAST"},
        {"type", "TYPE"},
        {"queue", "QUEUE", true},
        {"runs", "RUNS", true},
        {"missed", "MISSED", true},
        {"skipped", "SKIPPED", true},
        {"last_error", "ERROR"},
    };
}

Json run_record(const schedule::SlotRun& run, const TimeStyle& style) {
    Json record;
    RecordSink out(record, style);
    schedule::show_run(out, run);
    return record;
}

}  // namespace tranter::cli
