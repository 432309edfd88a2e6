#include "cli/daemon.hpp"

#include "base/log.hpp"
#include "base/unicode.hpp"
#include "cli/console_output.hpp"
#include "cli/daemon_calendar.hpp"
#include "cli/daemon_health.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_leftovers.hpp"
#include "cli/daemon_signals.hpp"
#include "cli/exit_code.hpp"
#include "cli/ready_notice.hpp"
#include "control/commands.hpp"
#include "process/open_files.hpp"
#include "process/orphans.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/log_writer.hpp"
#include "supervise/supervisor.hpp"

#include <fmt/format.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

namespace tranter::cli {
namespace {

/// Apps change in bursts.
constexpr Duration state_delay = std::chrono::milliseconds(50);
constexpr Duration reap_delay = std::chrono::milliseconds(100);
/// By then the first apps are ready.
constexpr Duration code_delay = std::chrono::seconds(3);
/// Each instance has about ten of ours.
constexpr std::uint64_t open_files_max = 65'536;

/// Whether it is of a file and cannot be written to: "55e6...-55e7... r-xp 001ab000 fe:01 4711
/// /usr/..."
bool is_of_file(std::string_view mapping) {
    const std::size_t rights = mapping.find(' ') + 1;
    return mapping.substr(rights, 2) == "r-" && mapping.find(" /") != std::string_view::npos;
}

/// Most of our code and of its tables is only used while we start, and stays in memory all the same
/// where that is not scarce. What was never written to the kernel reads again when it is needed.
void give_back_code() {
    std::ifstream maps("/proc/self/smaps");
    std::string mapping;
    for (std::string line; std::getline(maps, line);) {
        // Names of fields begin with a capital letter.
        if (!line.empty() && (line[0] < 'A' || line[0] > 'Z')) mapping = line;
        // Relocations have written to some that cannot be written to any more.
        if (!is_of_file(mapping) || !line.starts_with("Anonymous:") ||
            line.find(" 0 kB") == std::string::npos)
            continue;
        char* end = nullptr;
        const auto first = std::strtoull(mapping.c_str(), &end, 16);
        const auto last = std::strtoull(end + 1, nullptr, 16);
        // NOLINTNEXTLINE(performance-no-int-to-ptr): so the kernel tells it
        ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    }
}

std::string printed_line(const supervise::OutputLine& line) {
    return fmt::format("{}:{} | {}\n", line.id.app, line.id.number, printable(line.text));
}

std::string say_unread(std::uint64_t lines) {
    return fmt::format("tranter: {} lines were not read in time\n", lines);
}

/// Where our own log is written, so that nobody who has it and does not read it can hold us up.
class LogThread {
  public:
    LogThread() { set_log_output(stderr_->printer()); }
    ~LogThread() {
        // Until all is printed nobody may write to it directly.
        stderr_.reset();
        set_log_output({});
    }
    LogThread(const LogThread&) = delete;
    LogThread& operator=(const LogThread&) = delete;

  private:
    static std::string say_unread_log(std::uint64_t lines) {
        log_warn("daemon", "lines of this log were not read in time", {{"dropped", lines}});
        return {};
    }

    std::optional<ConsoleOutput> stderr_{
        std::in_place, ConsoleOutput::Options{.fd = STDERR_FILENO, .say_dropped = say_unread_log}};
};

/// The daemon and everything it is made of, in order of construction.
class Daemon {
  public:
    explicit Daemon(DaemonOptions options)
        : options_(std::move(options)),
          logs_({.clock = clock_}),
          supervisor_(
              {.loop = loop_,
               .logs = logs_,
               .runtime_directory = options_.home.runtime(),
               .own_places = own_places(options_.home),
               .open_files = options_.open_files,
               .next_cron = local_calendar()}
          ),
          commands_(command_options()),
          printed_({.fd = STDOUT_FILENO, .say_dropped = say_unread}),
          service_(clock_),
          health_(service_, options_.health) {
        signals_.listen(loop_, signal_calls());
        if (options_.health.endpoint) refresh_health();
        code_timer_ = loop_.call_at(clock_.now() + code_delay, give_back_code);
    }
    ~Daemon() {
        loop_.cancel(state_timer_);
        loop_.cancel(health_timer_);
        loop_.cancel(reap_timer_);
        loop_.cancel(code_timer_);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    int run() {
        log_info(
            "daemon",
            "started",
            {{"pid", ::getpid()}, {"home", options_.home.directory}, {"health", health_.address()}}
        );
        announce_ready(options_.ready_fd, "READY\n");
        // Whoever has started us reads to the end.
        if (options_.ready_fd == STDOUT_FILENO) ::dup2(STDERR_FILENO, STDOUT_FILENO);
        if (!options_.apps.empty()) start_apps();
        while (!is_over_ && !(options_.foreground && has_run_out()))
            loop_.run_once(Instant::max());
        const int status = exit_status();
        commands_.finish();
        remove_state(options_.home);
        log_info("daemon", "ended");
        return status;
    }

  private:
    control::Commands::Options command_options() {
        return {
            .loop = loop_,
            .supervisor = supervisor_,
            .socket = options_.home.socket(),
            .daemon =
                {.pid = ::getpid(),
                 .version = TRANTER_VERSION,
                 .started_at = clock_.now(),
                 .home = options_.home.directory},
            .event = [this](const supervise::Event& event) { see(event); },
            .line =
                [this](const supervise::OutputLine& line) {
                    if (options_.foreground) printed_.print(printed_line(line));
                },
            .over =
                [this] {
                    is_over_ = true;
                }};
    }

    DaemonSignals::Calls signal_calls() {
        return {
            .end = [this](int signal) { end_by(signal); },
            .reopen_logs = [this] { reopen_logs(); },
            .child_ended =
                [this] {
                    reap_soon();
                }};
    }

    /// Only to process 1 come those that no app has started. To find them takes a look at all
    /// processes, which may wait until whoever has crashed is started again.
    void reap_soon() {
        if (::getpid() != 1 || reap_timer_ != supervise::EventLoop::TimerId::none) return;
        reap_timer_ = loop_.call_at(clock_.now() + reap_delay, [this] {
            reap_timer_ = supervise::EventLoop::TimerId::none;
            supervisor_.reap_orphans();
        });
    }

    void start_apps() {
        if (auto put = commands_.put(options_.apps, options_.file); !put) {
            log_error("daemon", "apps cannot be started", {{"error", put.error().message()}});
            has_failed_ = is_over_ = true;
            return;
        }
        control::Order order;
        for (const supervise::App& app : options_.apps) {
            if (app.starts_by_itself) order.targets.push_back(app.name);
        }
        if (order.targets.empty()) return;
        commands_.orders().give(order, [this](const Result<>& result) {
            if (result) {
                log_info("daemon", "all apps are ready", {{"apps", options_.apps.size()}});
            } else {
                log_error("daemon", "apps are not ready", {{"error", result.error().message()}});
            }
        });
    }

    void see(const supervise::Event& event) {
        service_.see(event);
        if (event.kind == supervise::Event::Kind::change) {
            const bool is_bad = event.to == supervise::State::errored ||
                                event.to == supervise::State::unhealthy ||
                                event.to == supervise::State::backoff;
            log_line(
                is_bad ? LogLevel::warn : LogLevel::info,
                "daemon",
                "app",
                {{"app", event.id.app},
                 {"instance", event.id.number},
                 {"state", name_of(event.to)},
                 {"cause", event.cause}}
            );
        }
        if (state_timer_ != supervise::EventLoop::TimerId::none) return;
        state_timer_ = loop_.call_at(clock_.now() + state_delay, [this] { save_state(); });
    }

    void save_state() {
        state_timer_ = supervise::EventLoop::TimerId::none;
        if (!std::exchange(has_given_back_, true)) give_back_code();
        if (auto written = write_state(options_.home); !written) {
            log_warn(
                "daemon", "the state cannot be written", {{"error", written.error().message()}}
            );
        }
    }

    void refresh_health() {
        service_.set_instances(supervisor_.instances());
        health_timer_ =
            loop_.call_at(clock_.now() + std::chrono::seconds(1), [this] { refresh_health(); });
    }

    void end_by(int signal) {
        // What we leave behind is killed by its keepers.
        if (std::exchange(is_ending_, true)) ::_exit(exit_of_signal(signal));
        log_info("daemon", "stopping", {{"signal", signal}});
        announce_stopping();
        service_.set_draining();
        commands_.refuse_orders();
        commands_.orders().stop_all("the daemon ends", [this](const Result<>& result) {
            if (!result) {
                log_error("daemon", "apps do not end", {{"error", result.error().message()}});
            }
            is_over_ = true;
        });
    }

    void reopen_logs() {
        supervisor_.reopen_logs();
        if (options_.foreground) return;
        if (const auto log = open_daemon_log(options_.home)) ::dup2(log->get(), STDERR_FILENO);
        log_info("daemon", "log files were opened anew");
    }

    bool has_run_out() const { return !is_ending_ && supervisor_.is_at_rest(); }

    int exit_status() const {
        const auto instances = supervisor_.instances();
        const bool is_errored = std::ranges::any_of(instances, [](const auto& view) {
            return view.state == supervise::State::errored;
        });
        const bool is_bad = has_failed_ || (is_errored && options_.foreground && !is_ending_);
        return static_cast<int>(is_bad ? ExitCode::failed : ExitCode::ok);
    }

    const DaemonOptions options_;
    DaemonSignals signals_{};  // before all that has threads
    LogThread log_{};
    const SteadyClock clock_{};
    supervise::EventLoop loop_{clock_};
    supervise::LogWriter logs_;
    supervise::Supervisor supervisor_;
    bool is_over_ = false;
    bool is_ending_ = false;
    bool has_failed_ = false;
    bool has_given_back_ = false;  // the code of our own start
    supervise::EventLoop::TimerId state_timer_{};
    supervise::EventLoop::TimerId health_timer_{};
    supervise::EventLoop::TimerId reap_timer_{};
    supervise::EventLoop::TimerId code_timer_{};
    control::Commands commands_;
    ConsoleOutput printed_;
    DaemonService service_;
    HealthServer health_;
};

}  // namespace

Result<int> run_daemon(DaemonOptions options) {
    // What a keeper that was killed has kept comes to us, and would be lost otherwise.
    if (!process::adopt_orphans()) {
        return fail(Errc::unavailable, "the kernel does not let us adopt orphans");
    }
    options.open_files = process::raise_open_files(open_files_max);
    return Daemon(std::move(options)).run();
}

}  // namespace tranter::cli
