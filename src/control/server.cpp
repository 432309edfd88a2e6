#include "control/server.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "control/address.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace tranter::control {
namespace {

constexpr int waiting_connections = 64;
constexpr Duration rest_time = std::chrono::milliseconds(500);
constexpr std::size_t chunk_bytes = std::size_t{64} << 10;

/// Whether the other end is our user or root. Also guards against a directory that was opened up.
bool is_trusted(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

Descriptor listen_at(const std::string& path) {
    const auto address = socket_address(path);
    if (!address) throw SystemError(address.error().message());
    ::unlink(path.c_str());
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // What is made by bind() has the mode that the socket has before.
    const bool works =
        socket && ::fchmod(socket.get(), S_IRUSR | S_IWUSR) == 0 &&
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0 &&
        ::chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0 &&
        ::listen(socket.get(), waiting_connections) == 0;
    if (!works) throw SystemError("cannot listen at " + path + ": " + std::strerror(errno));
    return socket;
}

}  // namespace

Server::Server(const Options& options) : options_(options), listener_(listen_at(options.path)) {
    options_.loop.watch(listener_.get(), [this] { accept_all(); });
}

Server::~Server() {
    finish({});
}

void Server::accept_all() {
    while (true) {
        Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)
        );
        if (socket) {
            greet(std::move(socket));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return rest();
        }
    }
}

/// For want of descriptors, or memory. Whoever has come waits on, and would wake us for ever.
void Server::rest() {
    log_warn("control", "a client is not answered yet", {{"reason", std::strerror(errno)}});
    options_.loop.unwatch(listener_.get());
    resting_ = options_.loop.call_at(options_.loop.now() + rest_time, [this] {
        resting_ = supervise::EventLoop::TimerId::none;
        options_.loop.watch(listener_.get(), [this] { accept_all(); });
    });
}

void Server::greet(Descriptor socket) {
    const std::uint64_t id = ++accepted_;
    connections_[id].socket = std::move(socket);
    if (!is_trusted(connections_[id].socket.get())) {
        refuse(id, "only the user whose daemon this is may talk to it");
    } else if (connections_.size() > options_.connections_max) {
        refuse(id, "too many connections");
    } else {
        wait_for(id);
    }
}

void Server::read(std::uint64_t id) {
    std::array<char, chunk_bytes> chunk;
    Connection& connection = connections_.at(id);
    const ssize_t got = ::recv(connection.socket.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(id);
    connection.input.append(chunk.data(), static_cast<std::size_t>(got));
    if (take_lines(id)) wait_for(id);
}

/// False when the connection is gone.
bool Server::take_lines(std::uint64_t id) {
    while (true) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) return false;
        Connection& connection = found->second;
        // One answer after the other: who does not read them is not worked for.
        if (connection.ends || !connection.output.empty()) return true;
        const std::size_t end = connection.input.find('\n', connection.searched);
        if (end == std::string::npos) {
            connection.searched = connection.input.size();
            if (connection.searched > line_bytes_max) {
                refuse(id, "a request has more than " + std::to_string(line_bytes_max) + " bytes");
            }
            return connections_.contains(id);
        }
        const std::string line = connection.input.substr(0, end);
        connection.input.erase(0, end + 1);
        connection.searched = 0;
        const auto request = read_request(line);
        if (request) {
            options_.service.handle(*request, {.connection = id, .request = request->id});
        } else {
            refuse(id, request.error().message());
        }
    }
}

void Server::refuse(std::uint64_t id, std::string_view why) {
    connections_.at(id).ends = true;
    send(id, write_failure(0, Error(Errc::invalid_argument, std::string(why))));
}

void Server::send(std::uint64_t id, std::string_view line) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    std::string& output = found->second.output;
    if (output.size() > options_.waiting_bytes_max) return close(id);
    const bool is_first = output.empty();
    output += line;
    if (is_first) flush(id);
}

void Server::flush(std::uint64_t id) {
    Connection& connection = connections_.at(id);
    std::string_view left = connection.output;
    while (!left.empty()) {
        const ssize_t sent =
            ::send(connection.socket.get(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0) return close(id);
        left.remove_prefix(static_cast<std::size_t>(sent));
    }
    connection.output.erase(0, connection.output.size() - left.size());
    if (left.empty() && connection.ends) return close(id);
    wait_for(id);
}

void Server::go_on(std::uint64_t id) {
    flush(id);
    if (connections_.contains(id) && take_lines(id)) wait_for(id);
}

/// While something waits to be sent nothing more is read, so whoever does not read cannot ask.
void Server::wait_for(std::uint64_t id) {
    const Connection& connection = connections_.at(id);
    if (connection.output.empty()) {
        options_.loop.watch(connection.socket.get(), [this, id] { read(id); });
    } else {
        options_.loop.watch_writable(connection.socket.get(), [this, id] { go_on(id); });
    }
}

void Server::close(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    options_.loop.unwatch(found->second.socket.get());
    connections_.erase(found);
    options_.service.gone(id);
}

void Server::finish(Duration patience) {
    if (!listener_) return;
    options_.loop.cancel(resting_);
    options_.loop.unwatch(listener_.get());
    listener_.reset();
    // Before the last client hears that we are gone: it may start another daemon at once.
    ::unlink(options_.path.c_str());
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!connections_.empty()) {
        const auto& [id, connection] = *connections_.begin();
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waits{.fd = connection.socket.get(), .events = POLLOUT, .revents = 0};
        const std::size_t before = connection.output.size();
        if (before > 0 && left.count() > 0 &&
            ::poll(&waits, 1, static_cast<int>(left.count())) > 0) {
            flush(id);
            continue;
        }
        close(id);
    }
}

}  // namespace tranter::control
