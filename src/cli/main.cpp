#include "base/error.hpp"
#include "base/secrets.hpp"
#include "cli/args.hpp"
#include "cli/command_tree.hpp"
#include "cli/exit_code.hpp"
#include "cli/help.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {

namespace {

int fail_with(const Error& error) {
    say(without_secrets(error.message()));
    return static_cast<int>(exit_code(error.code()));
}

int run(std::vector<std::string> words) {
    const Command root = command_tree();
    const auto invocation = parse_command_line(root, std::move(words));
    if (!invocation) return fail_with(invocation.error());
    if (invocation->version) {
        write_all(STDOUT_FILENO, "tranter " TRANTER_VERSION "\n");
        return 0;
    }
    if (invocation->help) {
        write_all(STDOUT_FILENO, help_text(*invocation->command, invocation->path));
        return 0;
    }
    const auto status = invocation->command->run(invocation->arguments);
    return status ? *status : fail_with(status.error());
}

/// The place where broken environments end: nothing is thrown past it.
int run_guarded(std::vector<std::string> words) {
    constexpr int failed = static_cast<int>(ExitCode::failed);
    try {
        return run(std::move(words));
    } catch (const OutputClosed&) {
        return failed;
    } catch (const std::exception& broken) {
        say(without_secrets(broken.what()));
        return failed;
    }
}

/// Everybody on the machine can read the command line of a process: the password in a URL, above
/// all, is there for as long as it takes to get here.
void hide_secrets_from_ps(std::span<char*> arguments) {
    for (char* const argument : arguments) {
        const std::string given = argument;
        std::string shown = without_secrets(given);
        if (shown == given) continue;
        shown.resize(given.size(), '\0');
        std::ranges::copy(shown, argument);
    }
}

}  // namespace

}  // namespace tranter::cli

int main(int argc, char** argv) {
    tranter::cli::prepare_standard_streams();
    std::vector<std::string> words(argv + 1, argv + argc);
    tranter::cli::hide_secrets_from_ps({argv + 1, argv + argc});
    return tranter::cli::run_guarded(std::move(words));
}
