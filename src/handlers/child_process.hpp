#pragma once

#include "base/time.hpp"
#include "handlers/environment.hpp"
#include "process/descriptor.hpp"
#include "process/line_splitter.hpp"
#include "process/spawn.hpp"
#include "process/spawn_thread.hpp"

#include <tranter/context.hpp>
#include <tranter/provider.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::handlers {

struct ChildOptions {
    std::vector<std::string> command{};  // the program and its arguments, for no shell
    std::string directory{};             // empty: that of the worker
    EnvironmentRules environment{};
    process::ResourceLimits limits{};
    unsigned processes = 1;
    /// A process is replaced after so many jobs; 0: never.
    std::uint64_t jobs_max = 0;
    /// ... or when it holds more than this after a job (resident set); 0: never.
    std::uint64_t memory_max = 0;
    /// A process that says nothing for so long while it has a job is stuck; 0: never.
    Duration heartbeat_timeout{};
    /// For a job to stop, and for a process to end, before it is killed.
    Duration grace = std::chrono::seconds(5);
};

/// One long-lived process that does one job at a time. Not thread-safe.
class ChildProcess {
  public:
    /// `options` and `starter` outlive it.
    ChildProcess(
        const ChildOptions& options,
        const std::vector<std::string>& environment,
        process::SpawnThread& starter
    )
        : options_(options), environment_(environment), starter_(starter) {}
    ~ChildProcess() { end(); }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Starts the process when it does not run, gives it the job and waits for the result. A
    /// process that ends, or breaks the protocol, fails the attempt.
    AttemptOutcome do_job(Context& context);

    bool running() { return child_ && !child_->poll(); }
    /// Closes its input, which tells it to end, then SIGTERM, then SIGKILL.
    void end();

  private:
    enum class Wait : std::uint8_t { more, ended, stopped, deadline };

    Result<> ensure_started(Context& context);
    Wait wait_for_more(int stop_fd);
    bool send_some();
    bool read_from(process::Descriptor& from, process::LineSplitter& lines);
    AttemptOutcome converse(Context& context, int stop_fd);
    void take_line(std::string_view line, Context& context);
    void take_rest();
    AttemptOutcome died(Context& context);
    AttemptOutcome stuck();
    void kill();
    bool ends_within(Duration time) const;
    void replace_when_due();

    const ChildOptions& options_;
    const std::vector<std::string>& environment_;
    process::SpawnThread& starter_;
    std::optional<process::Child> child_{};
    process::Descriptor to_child_{};
    process::Descriptor from_child_{};
    process::Descriptor errors_{};
    std::optional<process::LineSplitter> lines_{};
    std::optional<process::LineSplitter> error_lines_{};
    Context* context_ = nullptr;  // of the job it has; lines go to its log
    std::string unsent_{};
    std::optional<AttemptOutcome> outcome_{};
    std::string broken_{};  // what was wrong with a message
    std::string last_error_line_{};
    std::optional<std::chrono::steady_clock::time_point> deadline_{};
    std::chrono::steady_clock::time_point heard_{};
    bool stopping_ = false;
    std::uint64_t jobs_ = 0;
};

}  // namespace tranter::handlers
