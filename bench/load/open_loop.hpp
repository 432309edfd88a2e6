#pragma once

#include "load/client_loop.hpp"
#include "load/histogram.hpp"
#include "load/options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tranter::bench {

/// What an open-loop run measured; all times in nanoseconds.
struct LatencySample {
    Histogram from_intended;  // when the message should have been sent -> a long poll has it
    Histogram from_sent;      // when it was really written -> a long poll has it
    Histogram lag;            // how late the generator was
    std::uint64_t planned{};  // messages after the warm-up
    std::uint64_t arrived{};
    std::uint64_t errors{};
    std::string first_error;

    /// Why the numbers must not be used, or empty: the generator was late by more than 10 % of the
    /// reported p99, or less than 99 % of the messages arrived, or anything failed.
    [[nodiscard]] std::string void_reason() const;
};

/// Sends at times drawn before the run (Poisson), whatever the server does, and measures from the
/// intended time until a consumer that waits in a long poll has the message. So a server that
/// stalls cannot hide the messages that should have been sent meanwhile. One thread.
class OpenLoop {
  public:
    /// Opens `producers` connections that send and `connections` that wait.
    OpenLoop(const Options& options, const Protocol& protocol);

    [[nodiscard]] LatencySample run();

  private:
    void draw_schedule();
    /// Sends what is due. Returns how long nothing will be, in nanoseconds.
    std::uint64_t send_due();
    Client* free_producer();
    void answered(Client& client, const Answer& answer, std::uint64_t now);
    void arrived(std::string_view body, std::uint64_t now);
    /// Handles what arrives; returns after the first events, or a little before the time is over.
    void wait_for(std::uint64_t nanoseconds);

    const Options& options_;
    ClientLoop loop_;
    std::vector<std::uint64_t> intended_;  // since start_
    std::vector<std::uint64_t> sent_;      // since start_
    std::size_t next_{};                   // index of the first message not sent
    std::size_t arrived_{};                // of all messages, warm-up included
    std::uint64_t warmup_ns_{};
    std::uint64_t start_{};
    LatencySample sample_;
};

}  // namespace tranter::bench
