#include "load/connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tranter::bench {

Connection::Connection(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        if (fd_ >= 0) close(fd_);
        throw std::system_error(
            error, std::generic_category(), "cannot connect to 127.0.0.1:" + std::to_string(port)
        );
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
}

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      consumed_(other.consumed_) {}

Connection::~Connection() {
    if (fd_ >= 0) close(fd_);
}

bool Connection::flush() {
    while (!out_.empty()) {
        const ssize_t written = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
        if (written < 0) {
            if (errno == EAGAIN) return false;
            throw std::system_error(errno, std::generic_category(), "cannot write to the server");
        }
        out_.erase(0, static_cast<std::size_t>(written));
    }
    return true;
}

void Connection::fill(std::span<char> chunk) {
    const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
    if (got > 0) {
        in_.append(chunk.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
        throw std::runtime_error("the server closed a connection");
    } else if (errno != EAGAIN && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "cannot read from the server");
    }
}

void Connection::consume(std::size_t bytes) {
    consumed_ += bytes;
    if (consumed_ == in_.size()) {
        in_.clear();
        consumed_ = 0;
    }
}

}  // namespace tranter::bench
