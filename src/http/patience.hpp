#pragma once

#include "base/error.hpp"
#include "http/client.hpp"

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tranter::http {

/// How long a request still goes on: until it is stopped, until its timeout, until nothing has come
/// for too long.
class Patience {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr Time never = Time::max();

    /// `stop_fd` is readable once the stop is requested; -1: it never is. The request outlives it.
    Patience(const ClientRequest& request, int stop_fd);

    enum class Woken : std::uint8_t {
        ready,    // a socket is
        stopped,  // and will say so again
        later,    // it is `until`
    };
    /// Waits for one of the sockets. The first place in `sockets` is for the stop.
    /// `timed_out` when the request has gone on for too long, `cancelled` when the time of its
    /// farewell is over.
    Result<Woken> wait(std::span<pollfd> sockets, Time until = never);

    /// So many bytes of the answer have come.
    void hear(std::size_t bytes);
    /// The stop was seen, and is not looked at any more; what is left is the time of the farewell.
    void say_farewell();

  private:
    std::unexpected<Error> too_late(Time now) const;

    const ClientRequest& request_;
    int stop_fd_;
    Time deadline_;
    Time heard_;
    Time farewell_end_ = never;
    std::size_t bytes_heard_ = 0;
};

}  // namespace tranter::http
