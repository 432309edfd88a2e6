#pragma once

#include "supervise/event_loop.hpp"
#include "supervise/view.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace tranter::cli {

/// Prints what apps print to our own output, for `tranter up --foreground`. Never blocks: what
/// nobody reads is dropped from a limit on, and a line says how much. Everything happens on the
/// thread of the loop.
class ForegroundOutput {
  public:
    ForegroundOutput(supervise::EventLoop& loop, int fd) : loop_(loop), fd_(fd) {}
    ~ForegroundOutput();
    ForegroundOutput(const ForegroundOutput&) = delete;
    ForegroundOutput& operator=(const ForegroundOutput&) = delete;

    void print(const supervise::OutputLine& line);

  private:
    /// False when nobody reads now.
    bool write_some();
    void write();

    supervise::EventLoop& loop_;
    const int fd_;
    std::string waiting_{};
    std::uint64_t dropped_ = 0;
    supervise::EventLoop::TimerId again_{};
};

}  // namespace tranter::cli
