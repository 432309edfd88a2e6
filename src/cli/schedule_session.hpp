#pragma once

#include "cli/args.hpp"
#include "cli/job_record.hpp"
#include "cli/output.hpp"
#include "cli/server_config.hpp"
#include "schedule/registration.hpp"
#include "schedule/store.hpp"

#include <tranter/provider.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tranter::cli {

/// Everything a command over a store of schedules works with. Lives on one thread for the time of
/// one command.
class ScheduleSession {
  public:
    static Result<std::unique_ptr<ScheduleSession>> open(const Arguments& arguments);

    ScheduleSession(std::shared_ptr<schedule::ScheduleStore> opened, Output::Options options)
        : store_(std::move(opened)), store(*store_), output(options) {}
    ScheduleSession(const ScheduleSession&) = delete;
    ScheduleSession& operator=(const ScheduleSession&) = delete;

    schedule::Registry registry() { return {.store = store, .zones = zones}; }
    TimeStyle style() const { return {.relative = output.is_table(), .now = now()}; }
    static TimePoint now() {
        return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
    }

  private:
    std::shared_ptr<schedule::ScheduleStore> store_;

  public:
    schedule::ScheduleStore& store;
    schedule::ZoneDirectory zones{};
    Output output;
};

/// The URL of the store: --store or $TRANTER_SCHEDULER_STORE, what find_schedule_store() finds, or
/// a file in the user's state directory.
[[nodiscard]] Result<std::string> choose_schedule_store(const Arguments& arguments);
/// The same with a file that has been read.
[[nodiscard]] Result<std::string> choose_schedule_store(
    const Arguments& arguments, const ServerConfig& config
);

/// What a configuration says of it; else the database of its provider, of TRANTER_URL or of
/// DATABASE_URL when that is of PostgreSQL; else its data directory. Nothing when there is none.
std::optional<std::string> find_schedule_store(const ServerConfig& config);

/// Where the jobs of schedules are, when --provider or the file of --config says so; otherwise
/// null: nobody is asked for them.
[[nodiscard]] Result<std::shared_ptr<Provider>> find_job_provider(const Arguments& arguments);

template <Result<int> (*run)(ScheduleSession&, const Arguments&)>
Result<int> in_schedule_session(const Arguments& arguments) {
    const auto session = ScheduleSession::open(arguments);
    if (!session) return std::unexpected(session.error());
    return run(**session, arguments);
}

/// --store.
Option schedule_store_option();
/// The options that every command over schedules has, behind its own.
std::vector<Option> with_store_options(std::vector<Option> own);

}  // namespace tranter::cli
