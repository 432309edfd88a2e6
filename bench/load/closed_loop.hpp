#pragma once

#include "load/client_loop.hpp"
#include "load/histogram.hpp"
#include "load/options.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

namespace tranter::bench {

/// How much a run may do, shared by its threads.
class Budget {
  public:
    static constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max() / 2;

    /// `seconds` 0 means no limit in time, counted from now.
    Budget(std::int64_t messages, double seconds);

    /// Reserves up to `wanted` messages; 0 when the run is over.
    [[nodiscard]] unsigned take(unsigned wanted, std::uint64_t now);
    void give_back(unsigned messages) { messages_ += messages; }

  private:
    std::atomic<std::int64_t> messages_;
    std::uint64_t deadline_;
};

/// What happened in one run.
struct Sample {
    std::uint64_t sent{};
    std::uint64_t received{};
    std::uint64_t removed{};
    std::uint64_t empty{};      // receives that found nothing
    std::uint64_t displaced{};  // --number: most requests that a message came behind a later one
    std::uint64_t errors{};
    std::string first_error;
    std::array<Histogram, op_count> latency;  // by Op, request written to answer read

    void merge(const Sample& other);
};

/// Every connection asks again as soon as it has its answer: this finds out what a message costs
/// and how many a second there can be. It says little about latency, because a slow server slows
/// the generator down too (OpenLoop is for that). One object per thread; it keeps its connections
/// from run to run.
class ClosedLoop {
  public:
    ClosedLoop(const Options& options, const Protocol& protocol, unsigned connections);

    /// `mode` is send, receive or mixed. Returns when the budget is spent, or with `receive` when
    /// the queue is empty; nothing is under way afterwards.
    Sample run(Mode mode, unsigned batch, Budget& budget);

  private:
    void next(Client& client, std::uint64_t now);
    void answered(Client& client, const Answer& answer, std::uint64_t now);
    void received(Client& client, const Answer& answer, std::uint64_t now);
    void send(Client& client, unsigned count);
    void check_order(const Answer& answer);

    ClientLoop loop_;
    const bool number_;
    std::uint64_t next_number_{};  // of the requests sent

    // Of the current run.
    Mode mode_{};
    unsigned batch_{};
    Budget* budget_{};
    std::uint64_t newest_number_{};  // received
    Sample sample_;
};

}  // namespace tranter::bench
