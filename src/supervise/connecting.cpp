#include "supervise/connecting.hpp"

#include "base/unicode.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace tranter::supervise {
namespace {

std::optional<std::uint16_t> port_in(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

std::optional<ProbeAddress> address_of(const std::string& host, std::uint16_t port) {
    ProbeAddress out;
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        std::memcpy(&out.bytes, &four, sizeof four);
        out.size = sizeof four;
    } else if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        std::memcpy(&out.bytes, &six, sizeof six);
        out.size = sizeof six;
    } else {
        return std::nullopt;
    }
    return out;
}

}  // namespace

Result<std::vector<ProbeAddress>> probe_addresses(
    std::string_view host_and_port, std::uint16_t default_port
) {
    std::string_view host = host_and_port;
    std::optional<std::uint16_t> port;
    if (default_port != 0) port = default_port;
    const std::size_t colon = host_and_port.rfind(':');
    const bool is_bracketed = host.starts_with('[');
    if (colon != std::string_view::npos && !(is_bracketed && host.ends_with(']'))) {
        host = host_and_port.substr(0, colon);
        port = port_in(host_and_port.substr(colon + 1));
    }
    if (is_bracketed && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.contains(':')) {
        port.reset();  // a number of IPv6 without brackets
    }
    if (!port) {
        return fail(
            Errc::invalid_argument,
            "address " + in_quotes(host_and_port) + " is not HOST:PORT with a port of 1 to 65535"
        );
    }
    std::vector<ProbeAddress> out;
    const bool is_local = host == "localhost" && !is_bracketed;
    for (const auto& one : is_local ? std::vector<std::string>{"127.0.0.1", "::1"}
                                    : std::vector<std::string>{std::string(host)}) {
        if (const auto address = address_of(one, *port)) out.push_back(*address);
    }
    if (out.empty()) {
        return fail(
            Errc::invalid_argument,
            "host " + in_quotes(host) +
                " of a probe has to be an address such as 127.0.0.1 or "
                "[::1], or localhost"
        );
    }
    return out;
}

Connecting::Connecting(EventLoop& loop, std::vector<ProbeAddress> addresses, Done done)
    : loop_(loop), addresses_(std::move(addresses)), done_(std::move(done)) {
    try_next();
}

Connecting::~Connecting() {
    loop_.cancel(timer_);
    if (socket_) loop_.unwatch(socket_.get());
}

void Connecting::try_next() {
    while (next_ < addresses_.size()) {
        const ProbeAddress& address = addresses_[next_++];
        socket_ = Descriptor(::socket(
            address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP
        ));
        if (socket_ &&
            (::connect(
                 socket_.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size
             ) == 0 ||
             errno == EINPROGRESS)) {
            loop_.watch_writable(socket_.get(), [this] { see_result(); });
            return;
        }
        error_ = errno;
        socket_.reset();
    }
    timer_ = loop_.call_at(loop_.now(), [this] { give_up(); });
}

void Connecting::see_result() {
    loop_.unwatch(socket_.get());
    socklen_t size = sizeof error_;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error_, &size);
    if (error_ == 0 && is_connected_to_itself()) error_ = ECONNREFUSED;
    if (error_ != 0) {
        socket_.reset();
        return try_next();
    }
    const Done done = std::move(done_);
    done(std::move(socket_));
}

/// Which happens to whoever connects to a port of his own host on which nobody listens, when the
/// kernel chooses just that port for him.
bool Connecting::is_connected_to_itself() const {
    sockaddr_storage ours{};
    sockaddr_storage theirs{};
    socklen_t our_size = sizeof ours;
    socklen_t their_size = sizeof theirs;
    return ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&ours), &our_size) == 0 &&
           ::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&theirs), &their_size) == 0 &&
           our_size == their_size && std::memcmp(&ours, &theirs, our_size) == 0;
}

void Connecting::give_up() {
    const Done done = std::move(done_);
    done(fail(Errc::unavailable, std::strerror(error_)));
}

}  // namespace tranter::supervise
