#include "cli/daemon_launch.hpp"

#include "base/stop.hpp"
#include "cli/config_file.hpp"
#include "cli/daemon_home.hpp"
#include "cli/terminal.hpp"
#include "process/descriptor.hpp"
#include "process/spawn.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace tranter::cli {
namespace {

constexpr auto launch_patience = std::chrono::seconds(30);
constexpr auto retry_period = std::chrono::milliseconds(20);
constexpr std::string_view home_variable = "TRANTER_HOME=";

/// What the daemon needs itself. Apps bring their own environment, and secrets of theirs have no
/// business in a process that lives longer.
std::vector<std::string> daemon_environment(const control::Home& home) {
    constexpr auto names = std::to_array<std::string_view>(
        {"HOME",
         "PATH",
         "USER",
         "LOGNAME",
         "SHELL",
         "LANG",
         "LC_ALL",
         "TZ",
         "TZDIR",
         "TMPDIR",
         "XDG_RUNTIME_DIR",
         "TRANTER_LOG_LEVEL",
         "TRANTER_LOG_FORMAT"}
    );
    std::vector<std::string> out{std::string(home_variable) + home.directory};
    for (std::string& one : environment_variables()) {
        const std::string_view name = std::string_view(one).substr(0, one.find('='));
        if (std::ranges::find(names, name) != names.end()) out.push_back(std::move(one));
    }
    return out;
}

/// What it says before it says no more: "READY", or why not.
Result<std::string> start_daemon(const control::Home& home, const std::vector<std::string>& flags) {
    const auto log = open_daemon_log(home);
    if (!log) return std::unexpected(log.error());
    auto says = process::Pipe::make();
    if (!says) return std::unexpected(says.error());
    process::SpawnOptions program;
    program.command = {own_program(), "daemon", "--ready-fd", "1"};
    program.command.insert(program.command.end(), flags.begin(), flags.end());
    program.environment = daemon_environment(home);
    program.directory = home.directory;
    program.output = says->write.get();
    program.errors = log->get();
    program.dies_with_us = false;
    const auto daemon = process::spawn(program);
    if (!daemon) return std::unexpected(daemon.error());
    says->write.reset();
    return read_all(says->read.get(), "what the daemon says");
}

bool answers(control::Client& daemon) {
    const auto said = daemon.daemon();
    return said || said.error().code() != Errc::unavailable;
}

std::string last_words(const control::Home& home) {
    std::string log = read_file(daemon_log(home)).value_or("");
    while (log.ends_with('\n'))
        log.pop_back();
    const std::size_t begin = log.rfind('\n');
    return begin == std::string::npos ? log : log.substr(begin + 1);
}

}  // namespace

std::string own_program() {
    std::error_code failed;
    std::string path = std::filesystem::read_symlink("/proc/self/exe", failed).string();
    constexpr std::string_view replaced = " (deleted)";
    if (path.ends_with(replaced)) path.resize(path.size() - replaced.size());
    return path;
}

std::vector<std::string> environment_with(const control::Home& home) {
    auto out = environment_variables();
    std::erase_if(out, [](const std::string& one) { return one.starts_with(home_variable); });
    out.push_back(std::string(home_variable) + home.directory);
    return out;
}

Result<control::Client> connect_or_launch(
    const control::Home& home, const std::vector<std::string>& flags
) {
    if (auto made = make_home(home); !made) return std::unexpected(made.error());
    const auto deadline = std::chrono::steady_clock::now() + launch_patience;
    while (true) {
        auto client = control::Client::connect(home.socket());
        if (!client && client.error().code() != Errc::unavailable) return client;
        // One that was killed just now may still let us connect, and says nothing any more.
        if (client && answers(*client)) return client;
        // Whoever has the lock is about to listen, or about to end.
        if (!is_home_locked(home)) {
            const auto said = start_daemon(home, flags);
            if (!said) return std::unexpected(said.error());
            // Another one may have been faster.
            if (!said->starts_with("READY") && !is_home_locked(home)) break;
            continue;
        }
        if (std::chrono::steady_clock::now() > deadline) break;
        std::this_thread::sleep_for(retry_period);
    }
    return fail(
        Errc::internal,
        fmt::format("the daemon does not start: {}, see {}", last_words(home), daemon_log(home))
    );
}

void wait_for_process(pid_t pid, Duration patience) {
    const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
    if (handle) ::poll(&ended, 1, static_cast<int>(millis));
}

}  // namespace tranter::cli
