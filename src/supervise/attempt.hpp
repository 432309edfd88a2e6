#pragma once

#include "base/error.hpp"
#include "process/spawn.hpp"
#include "supervise/app.hpp"
#include "supervise/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>

namespace tranter::supervise {

/// One try of a probe that asks: a connection, a request, a command. It never blocks, and it is
/// given up when it is destroyed. What comes of it is told by the loop, once, and never before
/// whoever began it has it; whoever is told may destroy it. How long it may take is not its
/// business.
class Attempt {
  public:
    using Done = std::function<void(Result<> outcome)>;

    virtual ~Attempt() = default;
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

  protected:
    Attempt() = default;
};

/// Begins a try.
using Attempts = std::function<std::unique_ptr<Attempt>(Attempt::Done done)>;

/// Each for one kind of Probe, whose other fields do not matter to it. `target` is that of the
/// probe, `invalid_argument` says what is wrong with it.

/// Tries to connect to HOST:PORT. The host is a number ("127.0.0.1", "[::1]") or localhost, which
/// stands for both of its numbers: looking up another name might block.
[[nodiscard]] Result<Attempts> tcp_attempts(EventLoop& loop, const std::string& target);

/// GET of a URL with http:// and a host as above; an answer of 200 to 399 is well.
[[nodiscard]] Result<Attempts> http_attempts(EventLoop& loop, const std::string& target);

/// Runs a program under a Keeper, so that nothing of it stays; code 0 is well. `program` is asked
/// for at each try.
[[nodiscard]] Attempts exec_attempts(
    EventLoop& loop, std::function<process::SpawnOptions()> program
);

}  // namespace tranter::supervise
