#include "http/dial.hpp"

#include "http/address_rules.hpp"
#include "http/resolve.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

namespace tranter::http {
namespace {

/// RFC 8305 says 250 ms; libcurl waits for 200.
constexpr auto head_start = std::chrono::milliseconds(200);

/// Attempts to reach one of some addresses, several of which may be under way.
class Race {
  public:
    Race(std::vector<Address> addresses, const std::function<bool(const sockaddr&)>& may_connect)
        : addresses_(std::move(addresses)), may_connect_(may_connect) {}

    Result<Dialed> run(Patience& patience) {
        while (!winner_.socket) {
            const auto now = std::chrono::steady_clock::now();
            if (has_next() && (pending_.empty() || now >= next_start_)) {
                start(addresses_[next_++]);
                next_start_ = now + head_start;
            } else if (pending_.empty()) {
                return lost();
            } else if (auto waited = wait(patience); !waited) {
                return std::unexpected(std::move(waited.error()));
            }
        }
        return std::move(winner_);
    }

  private:
    struct Pending {
        Descriptor socket;
        const Address* address = nullptr;
    };

    bool has_next() const { return next_ < addresses_.size(); }

    void start(const Address& address) {
        if (may_connect_ && !may_connect_(address.get())) {
            forbidden_ = address_text(address.get());
            return;
        }
        constexpr int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
        Descriptor socket(::socket(address.bytes.ss_family, type, IPPROTO_TCP));
        if (!socket) return note_failure(address, errno);
        if (::connect(socket.get(), &address.get(), address.size) == 0) {
            return win(std::move(socket), address);
        }
        if (errno != EINPROGRESS && errno != EINTR) return note_failure(address, errno);
        pending_.push_back({std::move(socket), &address});
    }

    Result<> wait(Patience& patience) {
        std::vector<pollfd> sockets(1);
        for (const Pending& one : pending_)
            sockets.push_back({.fd = one.socket.get(), .events = POLLOUT, .revents = 0});
        const auto woken = patience.wait(sockets, has_next() ? next_start_ : Patience::never);
        if (!woken) return std::unexpected(woken.error());
        if (*woken == Patience::Woken::stopped) {
            return fail(Errc::cancelled, "ended by the caller");
        }
        std::vector<Pending> left;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            if (sockets[i + 1].revents == 0) {
                left.push_back(std::move(pending_[i]));
            } else if (!winner_.socket) {
                finish(std::move(pending_[i]));
            }
        }
        pending_ = std::move(left);
        return {};
    }

    void finish(Pending one) {
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(one.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
        if (error != 0) return note_failure(*one.address, error);
        win(std::move(one.socket), *one.address);
    }

    void win(Descriptor socket, const Address& address) {
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        winner_ = {.socket = std::move(socket), .peer = address.bytes};
    }

    void note_failure(const Address& address, int error) {
        failure_ = "cannot connect to " + address_text(address.get()) + ": " +
                   std::generic_category().message(error);
    }

    /// One that may be connected to may be reached the next time, whatever the others are.
    std::unexpected<Error> lost() const {
        if (failure_.empty()) {
            return fail(Errc::permission_denied, forbidden_ + " may not be connected to");
        }
        return fail(Errc::unavailable, failure_);
    }

    const std::vector<Address> addresses_;
    const std::function<bool(const sockaddr&)>& may_connect_;
    std::size_t next_ = 0;
    Patience::Time next_start_{};
    std::vector<Pending> pending_{};
    std::string forbidden_{};
    std::string failure_{};  // of the last that failed
    Dialed winner_{};
};

}  // namespace

Result<Dialed> dial(
    const std::string& host,
    std::uint16_t port,
    const std::function<bool(const sockaddr&)>& may_connect,
    Patience& patience
) {
    auto addresses = resolve(host, port, patience);
    if (!addresses) return std::unexpected(std::move(addresses.error()));
    return Race(std::move(*addresses), may_connect).run(patience);
}

}  // namespace tranter::http
