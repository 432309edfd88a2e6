#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tranter::bench {

/// One non-blocking TCP connection to the server with its buffers. The owner writes requests into
/// out(), calls flush(), and reads answers from input(). Belongs to one thread.
class Connection {
  public:
    /// Connects to 127.0.0.1; throws std::system_error when nobody listens.
    explicit Connection(std::uint16_t port);
    Connection(Connection&& other) noexcept;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    Connection& operator=(Connection&&) = delete;
    ~Connection();

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::string& out() { return out_; }

    /// Writes what the socket takes. False while some of it is left; throws when the peer is gone.
    bool flush();

    /// Reads what has arrived, by way of `chunk`. Throws when the server closed the connection.
    void fill(std::span<char> chunk);

    /// Bytes read and not yet consumed; valid until the next fill() or consume().
    [[nodiscard]] std::string_view input() const { return std::string_view(in_).substr(consumed_); }
    void consume(std::size_t bytes);

  private:
    int fd_{-1};
    std::string out_;
    std::string in_;
    std::size_t consumed_{};
};

}  // namespace tranter::bench
