#pragma once

#include "base/time.hpp"
#include "http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::http {

class Connection;

/// The body of an answer that has no end yet. Movable; usable from any thread, one at a time.
/// Destroying it ends the body. A stopping server ends it too.
class Stream {
  public:
    explicit Stream(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&& other) noexcept;
    ~Stream();

    /// What a client may leave unread before it is dropped.
    static constexpr std::size_t unread_bytes_max = std::size_t{256} * 1024;

    /// Pieces arrive in order; who sends the same to many shares it. Never blocks. False when the
    /// client has gone, or has just been dropped because it does not read.
    bool write(std::shared_ptr<const std::string> piece);

  private:
    std::shared_ptr<Connection> connection_;  // shared with the I/O thread that drives it
};

/// The right and the duty to answer one request, once. Movable, usable from any thread; hooks and
/// the settled callback run on the connection's own I/O thread (after the server is gone: on the
/// caller's). Dropping it unanswered answers 500.
class Exchange {
  public:
    using Hook = std::move_only_function<void()>;
    /// `true`: the kernel took the whole answer. `false`: the connection was gone or the write
    /// failed, so nothing in the answer may count as delivered.
    using Settled = std::move_only_function<void(bool written)>;

    explicit Exchange(std::shared_ptr<Connection> connection)
        : connection_(std::move(connection)) {}
    Exchange(Exchange&&) noexcept = default;
    Exchange& operator=(Exchange&&) noexcept;
    ~Exchange() {
        if (connection_) respond_dropped();
    }

    /// Both consume the exchange. From its own handler the answer is written, and `settled` called,
    /// before respond returns or when the I/O thread has looked at its other sockets; from anywhere
    /// else both happen later on the I/O thread, so a lock may be held.
    void respond(Response&& response) &&;
    void respond(Response&& response, Settled&& settled) &&;

    /// Only from inside the handler, before the exchange is moved elsewhere. Each replaces the one
    /// before; all are dropped without a call once the request is answered.
    /// on_disconnect: the client closed or reset (also half-closed) the connection while waiting.
    void on_disconnect(Hook hook);
    /// on_deadline: `after` has passed without an answer.
    void on_deadline(Duration after, Hook hook);

    /// Answers with `head`, whose body stays empty, and sends the body later, piece by piece; the
    /// connection is closed at its end. Only from inside the handler. Consumes the exchange.
    Stream stream(Response&& head) &&;

  private:
    void respond_dropped();

    std::shared_ptr<Connection> connection_;  // shared with the I/O thread that drives it
};

/// Called on an I/O thread for every complete request. Must not block.
using Handler = std::function<void(const Request&, Exchange)>;

struct Limits {
    std::size_t header_bytes = 16 * 1024;
    std::size_t header_lines = 100;
    std::size_t target_bytes = 8 * 1024;
    std::size_t body_bytes = 8 * 1024 * 1024;
    /// So many bodies of that size is what requests may take together until they have arrived;
    /// beyond it they are refused with 503. What is small, up to a header, does not count.
    std::size_t unfinished_bodies = 32;
    std::size_t connections = 20'000;                    // more are refused with 503
    Duration header_timeout = std::chrono::seconds(10);  // first byte to end of headers
    /// For a body to arrive and for an answer to be taken. Who was not done by then gets as long
    /// again as long as bytes_per_second_min were moved all the while.
    Duration body_timeout = std::chrono::seconds(30);
    Duration write_timeout = std::chrono::seconds(30);
    std::size_t bytes_per_second_min = 16 * 1024;
    Duration idle_timeout = std::chrono::seconds(75);  // between requests
};

/// Who may talk to us from a browser (RELIABILITY: browser attacks on loopback ports).
struct BrowserRules {
    /// Host names accepted besides IP literals, "localhost" and single-label names.
    std::vector<std::string> allowed_hosts{};
    /// Origins that get CORS headers; "*" allows every origin. Empty: requests with a foreign
    /// Origin or a cross-site Sec-Fetch-Site are refused with 403.
    std::vector<std::string> cors_origins{};
};

struct ServerOptions {
    std::string address = "127.0.0.1";  // IP literal or "localhost"
    std::uint16_t port = 0;             // 0: any free port, see Server::port()
    unsigned threads = 1;
    Limits limits{};
    BrowserRules browser{};
};

/// HTTP/1.1 server: keep-alive, chunked request bodies, Expect: 100-continue, limits on size and
/// time. Each I/O thread owns its connections; the first one accepts and deals them out in turn.
class Server {
  public:
    /// Binds and listens. Throws tranter::SystemError naming the address when that fails.
    Server(ServerOptions options, Handler handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;
    /// Open connections now, for metrics. Thread-safe.
    std::size_t connections() const;

    /// Starts the I/O threads; returns at once.
    void start();
    /// Stops accepting, closes idle connections, waits until requests under way are answered or
    /// `grace` has passed, then closes the rest and joins. Idempotent; not from an I/O thread.
    void stop(Duration grace);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::http
