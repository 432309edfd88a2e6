#pragma once

#include "base/error.hpp"
#include "process/descriptor.hpp"
#include "process/spawn.hpp"
#include "supervise/event_loop.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace tranter::supervise {

/// A pipe to which a program writes a newline when it is ready (notification-fd of s6). What comes
/// before does not matter. Not thread-safe.
class ReadyDescriptor {
  public:
    /// `ready` is called once and may destroy it. `unavailable` when there are no descriptors left.
    [[nodiscard]] static Result<std::unique_ptr<ReadyDescriptor>> make(
        EventLoop& loop, std::function<void()> ready
    );
    ~ReadyDescriptor();
    ReadyDescriptor(const ReadyDescriptor&) = delete;
    ReadyDescriptor& operator=(const ReadyDescriptor&) = delete;

    /// The program gets it as descriptor `number`.
    void prepare(process::SpawnOptions& program, int number) const;
    /// The program has its end. From now on what comes is read.
    void spawned();

  private:
    ReadyDescriptor(EventLoop& loop, process::Pipe pipe, std::function<void()> ready)
        : loop_(loop), pipe_(std::move(pipe)), ready_(std::move(ready)) {}
    void read();

    EventLoop& loop_;
    process::Pipe pipe_;
    std::function<void()> ready_;
    bool is_ready_ = false;
};

}  // namespace tranter::supervise
