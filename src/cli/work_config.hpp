#pragma once

#include "cli/args.hpp"
#include "cli/server_config.hpp"
#include "cli/work_environment.hpp"

#include <string>
#include <vector>

namespace tranter::cli {

/// Everything that `tranter work` is told.
struct WorkConfig {
    ServerConfig config{};  // of which it uses provider, worker, handlers and log
    QueueBindings bindings{};
    unsigned concurrency = 1;
};

std::vector<Option> work_options();

/// The file, then the variables of deployments, TRANTER_* variables and flags, each of which wins
/// over those before it. `invalid_argument` names what is wrong.
[[nodiscard]] Result<WorkConfig> load_work_config(
    const Arguments& arguments, const std::vector<std::string>& environment
);

}  // namespace tranter::cli
