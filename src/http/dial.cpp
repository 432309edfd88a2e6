#include "http/dial.hpp"

#include "http/address_rules.hpp"
#include "http/text.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tranter::http {
namespace {

/// RFC 8305 says 250 ms; libcurl waits for 200.
constexpr auto head_start = std::chrono::milliseconds(200);
/// A name may have as many as its owner likes.
constexpr std::size_t addresses_max = 16;

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    const sockaddr& get() const { return reinterpret_cast<const sockaddr&>(bytes); }
};

bool is_localhost(std::string_view host) {
    constexpr std::string_view name = "localhost";
    if (host.size() < name.size()) return false;
    if (host.size() > name.size() && host[host.size() - name.size() - 1] != '.') return false;
    return same_ignoring_case(host.substr(host.size() - name.size()), name);
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// Appends what getaddrinfo() finds. 0, or its error.
int look_up(const char* host, const std::string& port, int flags, std::vector<Address>& addresses) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(host, port.c_str(), &hints, &list);
    if (error != 0) return error;
    const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        Address address;
        if (one->ai_addrlen > sizeof address.bytes) continue;
        std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
        address.size = one->ai_addrlen;
        addresses.push_back(address);
    }
    return 0;
}

/// One of each family in turn, in the order of the resolver.
void interleave(std::vector<Address>& addresses) {
    if (addresses.empty()) return;
    const auto first_family = addresses.front().bytes.ss_family;
    std::vector<Address> of_first;
    std::vector<Address> others;
    for (const Address& one : addresses)
        (one.bytes.ss_family == first_family ? of_first : others).push_back(one);
    addresses.clear();
    for (std::size_t i = 0; i < std::max(of_first.size(), others.size()); ++i) {
        if (i < of_first.size()) addresses.push_back(of_first[i]);
        if (i < others.size()) addresses.push_back(others[i]);
    }
}

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port) {
    const std::string service = std::to_string(port);
    std::vector<Address> addresses;
    int error = look_up(host.c_str(), service, AI_NUMERICHOST, addresses);
    if (error == EAI_NONAME && is_localhost(host)) {
        look_up("::1", service, AI_NUMERICHOST, addresses);
        error = look_up("127.0.0.1", service, AI_NUMERICHOST, addresses);
    } else if (error == EAI_NONAME) {
        error = look_up(host.c_str(), service, 0, addresses);
    }
    if (error != 0 || addresses.empty()) {
        const std::string why =
            error == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(error);
        return fail(Errc::unavailable, "cannot resolve " + host + ": " + why);
    }
    interleave(addresses);
    if (addresses.size() > addresses_max) addresses.resize(addresses_max);
    return addresses;
}

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
    auto addresses = resolve(host, port);
    if (!addresses) return std::unexpected(std::move(addresses.error()));
    return Race(std::move(*addresses), may_connect).run(patience);
}

}  // namespace tranter::http
