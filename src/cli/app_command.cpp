#include "cli/app_command.hpp"

#include "appfile/load.hpp"
#include "base/log_text.hpp"
#include "cli/app_config.hpp"
#include "cli/config_file.hpp"
#include "cli/exit_code.hpp"
#include "cli/terminal.hpp"

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace tranter::cli {
namespace {

/// What is written relative to the current directory, where the new file is expected to be.
Result<int> convert_app_file(const Arguments& arguments) {
    std::error_code error;
    const std::string directory = std::filesystem::current_path(error).string();
    if (error) return fail(Errc::unavailable, "the current directory is gone, change to another");
    const auto loaded = appfile::load({
        .path = arguments.text("FILE"),
        .directory = directory,
        .environment_name = arguments.text("env"),
        .environment = environment_variables(),
        .converts = true,
    });
    if (!loaded) return std::unexpected(loaded.error());
    std::string out;
    for (const appfile::Remark& remark : loaded->remarks)
        out += "# " + one_line(remark.where + ": " + remark.text) + "\n";
    if (!out.empty()) out += "\n";
    write_all(STDOUT_FILENO, out + write_apps(loaded->apps, directory));
    return static_cast<int>(ExitCode::ok);
}

}  // namespace

Command app_command() {
    return {
        .name = "app",
        .summary = "files that say which apps to run",
        .commands =
            {{.name = "convert",
              .summary = "print an ecosystem file or a Procfile as tables of tranter.toml",
              .description =
                  "Reads ecosystem.config.js, .cjs and .mjs (by node, or without it as far as they "
                  "are plain\nvalues), .json, .yaml and Procfile. What the file says in vain "
                  "stands on top as comments.\nVariables that apps inherit are not written, those "
                  "of the file are.",
              .positionals =
                  {{.name = "FILE",
                    .help = "such as ecosystem.config.cjs",
                    .completes = Completes::files}},
              .options =
                  {{.name = "env",
                    .value = "NAME",
                    .help = "put `env_NAME` of each app over its `env`"}},
              .examples =
                  {{"move from PM2", "tranter app convert ecosystem.config.cjs >> tranter.toml"}},
              .run = convert_app_file}},
    };
}

}  // namespace tranter::cli
