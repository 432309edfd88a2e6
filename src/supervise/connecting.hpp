#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "supervise/event_loop.hpp"

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// Where a probe connects to.
struct ProbeAddress {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

/// Of HOST:PORT, or of HOST alone when there is a `default_port`. See tcp_attempts() for HOST.
[[nodiscard]] Result<std::vector<ProbeAddress>> probe_addresses(
    std::string_view host_and_port, std::uint16_t default_port = 0
);

/// A connection that is being made, to the first of some addresses that accepts it. Given up when
/// it is destroyed.
class Connecting {
  public:
    /// Called by the loop, once, and may destroy it. The socket is non-blocking.
    using Done = std::function<void(Result<Descriptor> socket)>;

    Connecting(EventLoop& loop, std::vector<ProbeAddress> addresses, Done done);
    ~Connecting();
    Connecting(const Connecting&) = delete;
    Connecting& operator=(const Connecting&) = delete;

  private:
    void try_next();
    void see_result();
    bool is_connected_to_itself() const;
    void give_up();

    EventLoop& loop_;
    std::vector<ProbeAddress> addresses_;
    std::size_t next_ = 0;
    Descriptor socket_{};
    int error_ = 0;
    EventLoop::TimerId timer_ = EventLoop::TimerId::none;
    Done done_;
};

}  // namespace tranter::supervise
