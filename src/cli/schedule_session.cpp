#include "cli/schedule_session.hpp"

#include "cli/config_file.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"
#include "postgres/target.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdlib>

namespace tranter::cli {
namespace {

/// Where programs keep what is neither configuration nor cache.
Result<std::string> state_store() {
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && *state == '/') return fmt::format("file:{}/tranter", state);
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') return fmt::format("file:{}/.local/state/tranter", home);
    return fail(
        Errc::invalid_argument,
        "there is no home directory to keep schedules in, name a store with --store file:DIR"
    );
}

}  // namespace

Result<std::string> choose_schedule_store(const Arguments& arguments) {
    const auto file = arguments.find("config");
    if (!file || arguments.has("store")) return choose_schedule_store(arguments, ServerConfig());
    const auto loaded = load_config(*file, process_environment());
    if (!loaded) return std::unexpected(loaded.error());
    return choose_schedule_store(arguments, loaded->config);
}

Result<std::string> choose_schedule_store(const Arguments& arguments, const ServerConfig& config) {
    if (auto given = arguments.find("store")) return *given;
    if (auto found = find_schedule_store(config)) return *found;
    return state_store();
}

std::optional<std::string> find_schedule_store(const ServerConfig& config) {
    if (!config.scheduler.store.empty()) return config.scheduler.store;
    // Schedules are where the jobs are. DATABASE_URL may be of another program.
    if (postgres::is_postgres_url(config.provider)) return config.provider;
    for (const char* name : {"TRANTER_URL", "DATABASE_URL"}) {
        const char* url = std::getenv(name);
        if (url != nullptr && postgres::is_postgres_url(url)) return std::string(url);
    }
    if (!config.data.empty()) return fmt::format("file:{}", config.data);
    return std::nullopt;
}

Result<std::unique_ptr<ScheduleSession>> ScheduleSession::open(const Arguments& arguments) {
    const auto url = choose_schedule_store(arguments);
    if (!url) return std::unexpected(url.error());
    auto store = schedule::open_store(*url);
    if (!store) return std::unexpected(store.error());
    return std::make_unique<ScheduleSession>(std::move(*store), stdout_options(arguments));
}

Result<std::shared_ptr<Provider>> find_job_provider(const Arguments& arguments) {
    std::string url;
    if (const auto given = arguments.find("provider")) {
        url = *given;
    } else if (const auto file = arguments.find("config")) {
        const auto loaded = load_config(*file, process_environment());
        if (!loaded) return std::unexpected(loaded.error());
        url = loaded->config.provider;
    }
    if (url.empty()) return nullptr;
    return open_provider(url, {.create = false});
}

Option schedule_store_option() {
    return {
        .name = "store",
        .value = "URL",
        .help =
            "where schedules are: file:DIR, file:PATH.db or postgres://HOST/DATABASE (default: "
            "$TRANTER_URL or $DATABASE_URL if it is of PostgreSQL, the data directory of "
            "--config, or ~/.local/state/tranter)",
        .environment = "TRANTER_SCHEDULER_STORE"};
}

std::vector<Option> with_store_options(std::vector<Option> own) {
    const std::vector<Option> shared{
        schedule_store_option(),
        {.name = "config",
         .value = "FILE",
         .help = "a tranter.toml that says where, when nothing else does",
         .completes = Completes::files},
        output_option(),
    };
    own.insert(own.end(), shared.begin(), shared.end());
    return own;
}

}  // namespace tranter::cli
