#include "cli/config_command.hpp"

#include "cli/exit_code.hpp"
#include "cli/toml_config.hpp"
#include "process/environment.hpp"

#include <fmt/format.h>

#include <ostream>

namespace tranter::cli::config_command {
namespace {

Environment look_up_in(const std::vector<std::string>& environment) {
    return [&environment](const std::string& name) -> const char* {
        // The rest of a whole string, so that it ends with a zero.
        const auto value = process::find_variable(environment, name);
        return value ? value->data() : nullptr;
    };
}

int say_usage(std::ostream& err, const Error& error) {
    err << error.message() << '\n';
    return static_cast<int>(ExitCode::usage);
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

int check(
    const std::string& file,
    bool insecure,
    const std::vector<std::string>& environment,
    std::ostream& out,
    std::ostream& err
) {
    Result<LoadedConfig> loaded = load_config(file, look_up_in(environment));
    if (!loaded) return say_usage(err, loaded.error());
    ServerConfig& config = loaded->config;
    if (const Result<void> done = apply_environment(config, environment); !done) {
        return say_usage(err, done.error());
    }
    config.insecure |= insecure;
    for (const auto& check : {check_exposure, check_durability}) {
        if (const Result<void> done = check(config); !done) {
            err << file << ": ";
            return say_usage(err, done.error());
        }
    }
    for (const std::string& notice : loaded->notices)
        err << "note: " << notice << '\n';
    out << file << ": ok, " << counted(config.queues.size(), "queue");
    if (!config.handlers.empty()) out << ", " << counted(config.handlers.size(), "handler");
    if (!config.schedules.empty()) out << ", " << counted(config.schedules.size(), "schedule");
    if (!config.apps.empty()) out << ", " << counted(config.apps.size(), "app");
    out << '\n';
    return static_cast<int>(ExitCode::ok);
}

int convert(const std::string& file, std::ostream& out, std::ostream& err) {
    const Result<LoadedConfig> loaded = load_elasticmq_config(file, process_environment());
    if (!loaded) return say_usage(err, loaded.error());
    for (const std::string& notice : loaded->notices)
        out << "# " << notice << '\n';
    if (!loaded->notices.empty()) out << '\n';
    out << write_toml_config(loaded->config);
    return static_cast<int>(ExitCode::ok);
}

}  // namespace tranter::cli::config_command
