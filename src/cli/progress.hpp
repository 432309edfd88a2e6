#pragma once

#include "base/time.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace tranter::cli {

/// A line on stderr that says what is going on once that takes longer than a second, and how far it
/// is: "sending: 12000 of 50000, 4000/s". Silent when stderr is no terminal. The line is drawn by a
/// thread of its own, because the caller usually waits for the network.
class Progress {
  public:
    struct Options {
        int fd = 2;
        bool enabled = false;
        Duration quiet = std::chrono::seconds(1);
    };

    /// Enabled when stderr is a terminal.
    Progress();
    explicit Progress(Options options);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Starts a new piece of work; the second of silence starts again.
    void start(std::string_view what, std::optional<std::uint64_t> total = std::nullopt);
    void update(std::uint64_t done);
    /// Once it is known how much there is to do.
    void set_total(std::uint64_t total);
    /// The work is done: erases the line.
    void stop();
    /// Erases the line until the next change, to let something else be printed.
    void hide();

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    const Options options_;

    std::mutex mutex_;
    // guarded by mutex_
    std::condition_variable_any changed_{};
    std::string what_{};
    std::optional<std::uint64_t> total_{};
    std::uint64_t done_ = 0;
    SteadyTime started_{};
    bool running_ = false;
    bool drawn_ = false;

    std::jthread thread_{};  // last: it uses everything above

    void run(const std::stop_token& stop);
    void draw();
    void erase();
};

}  // namespace tranter::cli
