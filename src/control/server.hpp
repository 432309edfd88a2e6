#pragma once

#include "base/descriptor.hpp"
#include "base/time.hpp"
#include "control/codec.hpp"
#include "control/request.hpp"
#include "supervise/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tranter::control {

/// Whom an answer goes to.
struct Caller {
    std::uint64_t connection = 0;
    std::uint64_t request = 0;

    auto operator<=>(const Caller&) const = default;
};

/// Does what clients ask for.
class Service {
  public:
    virtual ~Service() = default;
    /// Now or later, it is answered by Server::send().
    virtual void handle(const Request& request, const Caller& caller) = 0;
    /// Nothing more can be sent to it.
    virtual void gone(std::uint64_t connection) = 0;
};

/// The daemon's end of the socket. Only our user and root are listened to. Never blocks: a client
/// that does not read what it is sent is not read from, and cut off when too much waits for it.
/// Everything happens on the thread of the loop. Not thread-safe.
class Server {
  public:
    struct Options {
        supervise::EventLoop& loop;
        Service& service;
        /// Its directory exists. A socket that a former daemon has left is replaced, so whoever
        /// calls has made sure that no other one runs.
        std::string path{};
        std::size_t connections_max = 128;
        /// That may wait for one client before it is cut off, beside an answer of any size.
        std::size_t waiting_bytes_max = std::size_t{4} << 20;
    };

    /// Throws SystemError when the socket cannot be made.
    explicit Server(const Options& options);
    /// Removes the socket.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// A whole line. Ignored when nobody is there any more.
    void send(std::uint64_t connection, std::string_view line);
    std::size_t connections() const { return connections_.size(); }
    /// Nobody is listened to from now on. Blocks until what waits is sent, at most for `patience`.
    void finish(Duration patience);

  private:
    struct Connection {
        Descriptor socket{};
        std::string input{};
        std::size_t searched = 0;  // bytes of it without a newline
        std::string output{};
        bool ends = false;  // once the output is sent
    };

    void accept_all();
    void rest();
    void greet(Descriptor socket);
    void read(std::uint64_t id);
    bool take_lines(std::uint64_t id);
    void refuse(std::uint64_t id, std::string_view why);
    void flush(std::uint64_t id);
    void go_on(std::uint64_t id);
    void wait_for(std::uint64_t id);
    void close(std::uint64_t id);

    const Options options_;
    Descriptor listener_{};
    std::map<std::uint64_t, Connection> connections_{};
    std::uint64_t accepted_ = 0;
    supervise::EventLoop::TimerId resting_{};
};

}  // namespace tranter::control
