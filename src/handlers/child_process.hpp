#pragma once

#include "base/time.hpp"
#include "handlers/child_message.hpp"
#include "handlers/environment.hpp"
#include "handlers/orphan_watch.hpp"
#include "handlers/retirement.hpp"
#include "process/descriptor.hpp"
#include "process/line_splitter.hpp"
#include "process/spawn.hpp"
#include "process/spawn_thread.hpp"

#include <tranter/context.hpp>
#include <tranter/provider.hpp>

#include <chrono>
#include <cstddef>
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

/// A line of the protocol is no longer: the largest result, with room for the message around it.
inline constexpr std::size_t child_line_max = result_bytes_max + (std::size_t{64} << 10);

/// What the processes of a pool share. The members outlive them.
struct ChildPoolParts {
    const ChildOptions& options;
    const std::vector<std::string>& environment;
    process::SpawnThread& starter;
    Retirement& retirement;
    OrphanWatch* orphans = nullptr;
};

/// One long-lived process that does one job at a time. Not thread-safe.
class ChildProcess {
  public:
    explicit ChildProcess(const ChildPoolParts& pool) : pool_(pool) {}
    ~ChildProcess() { retire(); }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Starts the process when it does not run, gives it the job and waits for the result. A
    /// process that ends, or breaks the protocol, fails the attempt.
    AttemptOutcome do_job(Context& context);

  private:
    enum class Wait : std::uint8_t { more, ended, stopped, deadline };

    bool running() const;
    bool ends_within(Duration time) const;
    bool ends_soon() const;
    Result<> ensure_started(const Context& context);
    Result<> start(const Context& context);
    Result<> give_job(Context& context);
    Wait wait_for_more(int stop_fd);
    bool send_some();
    bool read_from(Descriptor& from, process::LineSplitter& lines);
    AttemptOutcome converse(Context& context, int stop_fd);
    void take_piece(std::string_view piece, bool ends);
    void take_line(std::string_view line);
    void take_message(ChildMessage message, Context& context);
    void keep_step(const ChildMessage& message, Context& context);
    void say_line(std::string_view line);
    void take_rest();
    AttemptOutcome died(Context& context);
    AttemptOutcome stuck();
    void kill();
    void retire();
    void retire_when_due();

    const ChildPoolParts pool_;
    std::optional<process::Child> child_{};
    std::unique_ptr<OrphanWatch::Watched> watched_{};
    Descriptor to_child_{};
    Descriptor from_child_{};
    Descriptor errors_{};
    std::optional<process::LineSplitter> lines_{};
    std::optional<process::LineSplitter> error_lines_{};
    Context* context_ = nullptr;  // of the job it has; lines go to its log
    std::string unsent_{};
    bool sent_part_ = false;      // of a line
    std::size_t unsent_max_ = 0;  // with more nothing is read, so that answers cannot pile up
    std::optional<AttemptOutcome> outcome_{};
    std::string broken_{};  // what was wrong with a message
    std::string last_error_line_{};
    std::optional<std::chrono::steady_clock::time_point> deadline_{};
    std::chrono::steady_clock::time_point heard_{};
    bool stopping_ = false;
    bool in_long_line_ = false;
    std::uint64_t jobs_ = 0;   // that the process was given
    bool was_useful_ = false;  // it has answered a job
    unsigned useless_ = 0;     // processes in a row that ended by themselves and were not
};

}  // namespace tranter::handlers
