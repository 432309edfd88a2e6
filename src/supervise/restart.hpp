#pragma once

#include "base/time.hpp"
#include "supervise/app.hpp"

#include <cstdint>
#include <deque>
#include <utility>

namespace tranter::supervise {

/// How a process ended.
struct Ending {
    int code = 0;    // when `signal` is 0
    int signal = 0;  // that ended it; 0: none

    bool is_success() const { return code == 0 && signal == 0; }
    bool operator==(const Ending&) const = default;
};

/// Decides about the restarts of one instance. Not thread-safe; without a clock of its own.
class Restarts {
  public:
    enum class Verdict : std::uint8_t {
        restart,
        stopped,    // it is not wanted to run again
        completed,  // it did what it is for
        errored,    // it was restarted too often
    };
    struct Decision {
        Verdict verdict = Verdict::restart;
        Duration wait{};  // before the restart
    };

    explicit Restarts(RestartRule rule, AppType type = AppType::service)
        : rule_(std::move(rule)), type_(type) {}

    /// The instance ended by itself after `uptime`. `chance` is uniform in [0, 1).
    Decision ended(const Ending& ending, Duration uptime, Instant now, double chance);
    /// A start that never became ready, or a process that had to be killed because it was not well
    /// or took too much memory: decided like an end with a code that is not wanted, and counted
    /// like one before min_uptime when it came within a minute. Otherwise who takes more than he
    /// may each time he starts would be started for ever, and at once.
    Decision failed(Duration uptime, Instant now, double chance);
    /// From the next decision on.
    void use(const RestartRule& rule, AppType type) {
        rule_ = rule;
        type_ = type;
    }
    /// Somebody asked for a start: what was counted is forgotten.
    void reset();
    /// As if there had been none.
    void forget() {
        reset();
        total_ = 0;
    }

    /// All that were decided since it was made, or forgotten.
    std::uint64_t total() const { return total_; }
    /// Ends before min_uptime, and those that failed() counts like them, in succession.
    std::uint32_t unstable() const { return unstable_; }

  private:
    Decision again(bool is_stable, Instant now, double chance);
    bool is_exhausted(Instant now);
    Duration wait(double chance) const;

    RestartRule rule_;
    AppType type_;
    std::deque<Instant> recent_{};  // restarts within the window, oldest first
    std::uint32_t unstable_ = 0;
    std::uint64_t total_ = 0;
};

}  // namespace tranter::supervise
