#pragma once

#include "base/descriptor.hpp"
#include "http/test_socket.hpp"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

namespace tranter::http {

/// A server for tests that does with each connection what it is told to, one after the other, and
/// closes it then.
class TestPeer {
  public:
    /// `number` counts from 1.
    using Serve = std::function<void(TestSocket& connection, int number)>;

    explicit TestPeer(Serve serve, int family = AF_INET)
        : serve_(std::move(serve)), socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_storage address{};
        address.ss_family = static_cast<sa_family_t>(family);
        if (family == AF_INET) {
            reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        } else {
            reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
        }
        socklen_t size = sizeof address;
        listens_ = ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                   ::listen(socket_.get(), 16) == 0;
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        // At the same place in both.
        port_ = ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
        if (listens_) thread_ = std::thread([this] { accept_all(); });
    }
    ~TestPeer() {
        ::shutdown(socket_.get(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
    }
    TestPeer(const TestPeer&) = delete;
    TestPeer& operator=(const TestPeer&) = delete;

    /// False on a machine without this family.
    bool listens() const { return listens_; }
    std::uint16_t port() const { return port_; }
    int connections() const { return connections_; }

  private:
    void accept_all() {
        for (;;) {
            Descriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!accepted) return;
            TestSocket connection(std::move(accepted));
            serve_(connection, ++connections_);
        }
    }

    const Serve serve_;
    const Descriptor socket_;
    bool listens_ = false;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_ = 0;
    std::thread thread_{};
};

}  // namespace tranter::http
