#pragma once

#include "base/descriptor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::http {

/// One end of a connection, for tests, that sends exactly the bytes it is told to. Reads give up
/// after ten seconds, so a peer that hangs fails the test and does not stop it.
class TestSocket {
  public:
    explicit TestSocket(std::uint16_t port, int receive_buffer = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer != 0) {
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        }
        set_options();
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }
    /// One that was accepted.
    explicit TestSocket(Descriptor accepted) : fd_(::dup(accepted.get())), connected_(true) {
        set_options();
    }
    ~TestSocket() { close(); }
    TestSocket(TestSocket&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
    TestSocket& operator=(TestSocket&&) = delete;

    bool connected() const { return connected_; }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }

    /// One message with its body, by Content-Length. What follows is kept for the next call.
    std::string read_answer(bool head_only = false) {
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!read_more()) return std::exchange(buffer_, {});
        }
        std::size_t size = end + 4;
        const std::size_t length = buffer_.find("Content-Length: ");
        if (!head_only && length < end) {
            size += std::strtoull(buffer_.c_str() + length + 16, nullptr, 10);
        }
        while (buffer_.size() < size) {
            if (!read_more()) break;
        }
        std::string answer = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return answer;
    }

    /// So many, or fewer when there are no more.
    std::string read_bytes(std::size_t count) {
        while (buffer_.size() < count) {
            if (!read_more()) break;
        }
        std::string bytes = buffer_.substr(0, count);
        buffer_.erase(0, count);
        return bytes;
    }

    /// Everything until the server closes.
    std::string read_all() {
        while (read_more()) {
        }
        return std::exchange(buffer_, {});
    }

    /// The server has closed, without a byte more.
    bool at_end() { return buffer_.empty() && !read_more() && buffer_.empty() && ended_; }

    /// Whether something can be read, or its end, before this time is over.
    bool wait_for_input(std::chrono::milliseconds time) const {
        pollfd input{.fd = fd_, .events = POLLIN, .revents = 0};
        return ::poll(&input, 1, static_cast<int>(time.count())) > 0;
    }

    void half_close() { ::shutdown(fd_, SHUT_WR); }

    /// Also while somebody else has it open.
    void reset() {
        const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
        ::connect(fd_, &nobody, sizeof(nobody));
        close();
    }

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

  private:
    void set_options() {
        const timeval wait{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }

    bool read_more() {
        char bytes[65536];
        const auto got = ::recv(fd_, bytes, sizeof(bytes), 0);
        if (got == 0) ended_ = true;
        if (got <= 0) return false;
        buffer_.append(bytes, static_cast<std::size_t>(got));
        return true;
    }

    int fd_;
    bool connected_ = false;
    bool ended_ = false;
    std::string buffer_;
};

}  // namespace tranter::http
