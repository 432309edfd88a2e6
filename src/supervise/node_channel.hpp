#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "process/spawn.hpp"
#include "supervise/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// What Node.js calls an IPC channel (child_process.fork): a stream of JSON texts, one a line. Of
/// what comes only the text "ready" matters; everything else is read, so that its sender does not
/// wait, and dropped. Not thread-safe.
class NodeChannel {
  public:
    /// `ready` may destroy it. `unavailable` when there are no descriptors left.
    [[nodiscard]] static Result<std::unique_ptr<NodeChannel>> make(
        EventLoop& loop, std::function<void()> ready
    );
    ~NodeChannel();
    NodeChannel(const NodeChannel&) = delete;
    NodeChannel& operator=(const NodeChannel&) = delete;

    /// The program gets it as descriptor `number`.
    void prepare(process::SpawnOptions& program, int number) const;
    /// The program has its end. From now on what comes is read.
    void spawned();
    /// False when nobody has the other end, or does not read.
    bool send(std::string_view text);

  private:
    NodeChannel(EventLoop& loop, std::function<void()> ready)
        : loop_(loop), ready_(std::move(ready)) {}
    void read();
    bool take(std::string_view bytes);

    EventLoop& loop_;
    std::function<void()> ready_;
    Descriptor ours_{};
    Descriptor its_{};
    std::string line_{};  // as far as it may be the one that matters
};

}  // namespace tranter::supervise
