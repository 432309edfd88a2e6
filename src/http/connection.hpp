#pragma once

#include "http/event_loop.hpp"
#include "http/request_parser.hpp"

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tranter::http {

/// One client's socket, driven by the EventLoop that adopted it. Only respond(), write_piece() and
/// end_stream() may be called from another thread.
///
///     reading -> handling -> answered -> reading    answered within the handler, sent when the
///                                                   loop has looked at the other sockets
///                handling -> waiting -> reading     answered later
///     any answer that the kernel does not take at once:  -> writing -> reading
///     an answer without an end:  handling -> streaming -> closed
///     last answer while the client may still be sending: -> lingering -> closed
///
/// While it is idle or waiting it owns no buffers; ten thousand of them have to stay small.
class Connection final : public std::enable_shared_from_this<Connection>,
                         public Pollable,
                         public Timed {
  public:
    Connection(EventLoop& loop, int fd, std::string peer);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Starts reading, or refuses the client with 503.
    void open(bool refuse);

    // For Exchange.
    void respond(Response&& response, Exchange::Settled&& settled);
    void set_on_disconnect(Exchange::Hook hook) { on_disconnect_ = std::move(hook); }
    void set_on_deadline(Duration after, Exchange::Hook hook);

    void begin_stream(Response&& head);

    // For Stream.
    bool write_piece(std::shared_ptr<const std::string> piece);
    void end_stream();

    // For the loop.
    void on_ready(std::uint32_t epoll_events) override;
    void on_deadline_passed() override;
    /// Writes an answer that came from elsewhere than the handler.
    void send_answer();
    /// Sends the answer that was left with EventLoop::send_later().
    void send_now(std::string_view answer);
    /// Goes on after a deferral.
    void resume();
    void close_if_idle();
    void abort();
    std::size_t index() const { return index_; }
    void set_index(std::size_t index) { index_ = index; }

  private:
    enum class Phase : std::uint8_t {
        reading,
        handling,
        answered,
        waiting,
        writing,
        streaming,
        lingering,
        closed
    };
    enum class When : std::uint8_t { now, end_of_round };
    enum class Timeout : std::uint8_t { none, idle, head, body, write, linger };
    enum class Read : std::uint8_t { request, nothing, refused, ended };

    void run();
    Read read_request();
    Read receive();
    bool count_unfinished();
    void forget_unfinished();
    void pause();
    void dispatch();
    void park_pipelined();
    bool pass_browser_guard(const Request& request);
    void reject(int status, std::string_view text);

    void write_answer(Response& response, Exchange::Settled settled, When when);
    void transmit(std::span<iovec> parts, Exchange::Settled settled);
    void flush();
    void answer_written();
    void send_continue();

    std::size_t framed_bytes(std::size_t piece_bytes) const;
    void send_piece(std::string_view piece);
    void send_end();
    void flush_stream();

    void linger();
    void drain();
    void lost();
    void close();
    bool peer_left() const;
    void notify_disconnect();
    void release_parser();
    void set_timeout(Timeout kind, Duration after);
    bool moves_on();
    std::int64_t moved_bytes() const;

    // constant after construction
    EventLoop* loop_;  // touched on its own thread only; gone when the server is
    std::shared_ptr<Mailbox> mailbox_;
    int fd_;
    std::string peer_;

    // published by respond() through the mailbox
    Response answer_;
    Exchange::Settled settled_;
    std::atomic<bool> answered_{false};

    // while streaming; set before the Stream exists
    std::atomic<bool> streaming_{false};        // the client is there and reads
    std::atomic<std::size_t> unread_bytes_{0};  // given to us, not yet taken by the kernel

    // only on the loop's thread
    std::size_t index_ = 0;
    Phase phase_ = Phase::reading;
    Timeout timeout_ = Timeout::none;
    bool answer_ready_ = false;  // given on this thread, to be written after this round
    bool input_ready_ = false;   // a read may find something
    bool peer_closed_ = false;   // the client will send nothing more
    bool unparsed_ = false;      // the parser holds a request that is done with, or parked bytes
    bool keep_alive_ = false;
    bool head_request_ = false;
    bool http_1_0_ = false;
    bool continue_sent_ = false;
    bool close_after_answer_ = false;
    bool stream_ended_ = false;
    std::unique_ptr<RequestParser> parser_;  // only while a request is arriving or handled
    std::size_t counted_bytes_ = 0;          // of ServerContext::unfinished_bytes
    std::int64_t moved_before_ = 0;          // moved_bytes() when the timeout began
    std::string cors_lines_;
    std::string pending_;  // what the kernel did not take yet
    std::size_t pending_at_ = 0;
    Exchange::Hook on_disconnect_;
    Exchange::Hook on_deadline_;
};

}  // namespace tranter::http
