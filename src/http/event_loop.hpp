#pragma once

#include "base/burst.hpp"
#include "http/browser_guard.hpp"
#include "http/deadline_index.hpp"
#include "http/response_writer.hpp"
#include "http/server.hpp"

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace tranter::http {

class RequestParser;

/// What all connections of a server share. Constant after construction, except the counters.
struct ServerContext {
    ServerOptions options;
    Handler handler;
    std::atomic<std::size_t> connections{0};
    std::atomic<std::size_t> unfinished_bytes{0};  // kept of requests that have not arrived
};

/// Where other threads leave work for an I/O thread. Shared by the loop and its connections, so
/// that answering after the server is gone is harmless.
class Mailbox final : public Wakeable, public std::enable_shared_from_this<Mailbox> {
  public:
    using Task = std::move_only_function<void()>;

    Mailbox();
    ~Mailbox() override;
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// False when the loop has ended: nothing will be done with it. Thread-safe.
    bool post_answer(std::shared_ptr<Connection>& connection);
    bool post(Task task);

    /// For the loop.
    int wake_fd() const { return wake_fd_; }
    void take(std::vector<std::shared_ptr<Connection>>& answered, std::vector<Task>& tasks);
    void close();
    void wake_now() override;

  private:
    void wake();

    int wake_fd_;
    std::mutex mutex_;
    // guarded by mutex_
    std::vector<std::shared_ptr<Connection>> answered_;
    std::vector<Task> tasks_;
    bool awake_ = false;
    bool closed_ = false;
};

/// Something that waits for readiness of a file descriptor.
class Pollable {
  public:
    virtual ~Pollable() = default;
    virtual void on_ready(std::uint32_t epoll_events) = 0;
};

/// One I/O thread: epoll (edge-triggered), its connections, their deadlines, and the buffers they
/// share because only one of them works at a time.
///
/// Plain epoll and not Asio: with Asio every request costs one more system call (a read that finds
/// nothing, or re-arming), and the end of a waiting client has to be found by reading, while
/// EPOLLRDHUP tells it without touching the bytes of a pipelining client.
class EventLoop {
  public:
    explicit EventLoop(ServerContext& context);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Runs until finish() or until the last connection of a stopping loop is gone.
    void run();

    /// The loop whose thread this is, or nullptr.
    static EventLoop* current();

    const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

    // Only on the loop's own thread from here on.

    /// Takes over the socket.
    void adopt(int fd, std::string peer, bool over_limit);
    /// Forgets a connection, which is destroyed after the current round.
    void drop(Connection& connection);
    /// Goes on with the connection after the current round of events, never inside a handler.
    void defer(std::shared_ptr<Connection> connection);

    /// False when the kernel has no memory for it.
    [[nodiscard]] bool watch(int fd, Pollable& pollable, std::uint32_t events);
    void unwatch(int fd);

    /// Closes idle connections now and the others after their answer.
    void begin_stop();
    bool stopping() const { return stopping_; }
    /// Closes everything at once.
    void finish();

    ServerContext& context() { return context_; }
    const ServerOptions& options() const { return context_.options; }
    DeadlineIndex& deadlines() { return deadlines_; }
    TimePoint now() const { return now_; }
    DateLine& date_line() { return date_line_; }
    BrowserGuard& browser_guard() { return browser_guard_; }

    /// Room for one read, followed by body_padding_bytes.
    static constexpr std::size_t read_bytes_max = 64 * 1024;
    char* read_buffer() { return read_buffer_.get(); }
    /// Whoever appends to it takes that off again, or leaves it with send_later().
    std::string& write_buffer() { return write_buffer_; }

    /// The end of write_buffer(), from `begin`, is the answer of this connection. It goes out after
    /// this round of events: the answers of a round, sent in a row, wake a client once that would
    /// otherwise fall asleep between them, and that is the dearest part of sending.
    void send_later(Connection& connection, std::size_t begin);

    std::unique_ptr<RequestParser> take_parser();
    void give_back(std::unique_ptr<RequestParser> parser);

  private:
    int wait_milliseconds() const;
    void run_round(std::span<const epoll_event> events);
    void read_mail();
    void run_deferred();
    void run_deadlines();
    void send_answers();
    void send_answers_if_many();

    ServerContext& context_;
    std::shared_ptr<Mailbox> mailbox_;  // with the connections, which may outlive the loop
    int epoll_fd_;
    DeadlineIndex deadlines_;
    TimePoint now_{};
    DateLine date_line_;
    BrowserGuard browser_guard_{context_.options.browser};
    std::unique_ptr<char[]> read_buffer_;
    std::string write_buffer_;
    struct Answer {
        Connection* connection;  // lives until dropped_ is cleared
        std::size_t begin;       // in write_buffer_, up to the begin of the next
    };
    std::vector<Answer> answers_;
    std::vector<std::unique_ptr<RequestParser>> parsers_;
    std::vector<std::shared_ptr<Connection>> connections_;  // each knows its index
    std::vector<std::shared_ptr<Connection>> dropped_;
    std::vector<std::shared_ptr<Connection>> deferred_;
    std::vector<std::shared_ptr<Connection>> working_;  // scratch for mail and deferred
    std::vector<Mailbox::Task> tasks_;
    bool stopping_ = false;
    bool finished_ = false;
    bool mail_ = false;
};

}  // namespace tranter::http
