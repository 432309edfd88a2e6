#include "http/connection.hpp"

#include "http/browser_guard.hpp"
#include "http/response_writer.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tranter::http {
namespace {

// A pipelining client gives way to the others after so many requests.
constexpr unsigned turns_max = 32;
// So does one that goes on sending after its last answer.
constexpr int drain_reads_max = 16;
// Time for the client to read our last answer and close before we do.
constexpr Duration linger_time = std::chrono::seconds(1);
// A request that takes no more until it has arrived is not worth counting.
constexpr std::size_t uncounted_bytes_max = std::size_t{16} * 1024;
// Connection timeouts are rounded up, so that the loop wakes up for many at once.
constexpr Duration timeout_tick = std::chrono::milliseconds(100);

}  // namespace

Connection::Connection(EventLoop& loop, int fd, std::string peer)
    : loop_(&loop), mailbox_(loop.mailbox()), fd_(fd), peer_(std::move(peer)) {}

Connection::~Connection() {
    if (phase_ != Phase::closed) ::close(fd_);  // adopted by a loop that had ended
}

void Connection::open(bool refuse) {
    if (!loop_->watch(fd_, *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
        close();
        return;
    }
    if (refuse) {
        reject(503, "too many connections");
        return;
    }
    set_timeout(Timeout::idle, loop_->options().limits.idle_timeout);
}

void Connection::on_ready(std::uint32_t epoll_events) {
    if (phase_ == Phase::closed) return;
    if ((epoll_events & (EPOLLERR | EPOLLHUP)) != 0) {
        lost();
        return;
    }
    if ((epoll_events & EPOLLIN) != 0) input_ready_ = true;
    if ((epoll_events & EPOLLRDHUP) != 0) input_ready_ = peer_closed_ = true;
    switch (phase_) {
        case Phase::reading:
            if (input_ready_) run();
            break;
        case Phase::waiting:
            if (peer_closed_) notify_disconnect();
            break;
        case Phase::writing:
            if ((epoll_events & EPOLLOUT) != 0) flush();
            if (phase_ == Phase::reading) run();
            if (phase_ == Phase::lingering) drain();
            break;
        case Phase::streaming:
            if (peer_closed_)
                lost();
            else if ((epoll_events & EPOLLOUT) != 0)
                flush_stream();
            break;
        case Phase::lingering:
            drain();
            break;
        case Phase::handling:
        case Phase::answered:
        case Phase::closed:
            break;
    }
}

void Connection::resume() {
    if (answer_ready_) {
        send_answer();
    } else if (phase_ == Phase::reading) {
        run();
    } else if (phase_ == Phase::lingering) {
        drain();
    }
}

// Never inside a handler: what the handler was given lives in the buffers used here.
void Connection::run() {
    for (unsigned turn = 0; phase_ == Phase::reading; ++turn) {
        if (turn == turns_max) {
            park_pipelined();
            loop_->defer(shared_from_this());
            return;
        }
        switch (read_request()) {
            case Read::request:
                dispatch();
                break;
            case Read::refused:
                reject(parser_->rejection().status, parser_->rejection().text);
                break;
            case Read::nothing:
                if (count_unfinished()) {
                    pause();
                    return;
                }
                reject(503, "too many requests are arriving");
                break;
            case Read::ended:
                break;
        }
    }
    if (phase_ == Phase::lingering) drain();
    if (phase_ == Phase::closed) release_parser();
}

Connection::Read Connection::read_request() {
    if (!parser_) {
        if (!input_ready_) return Read::nothing;
        parser_ = loop_->take_parser();
    }
    if (std::exchange(unparsed_, false)) parser_->next();
    for (;;) {
        if (parser_->state() == RequestParser::State::complete) return Read::request;
        if (parser_->state() == RequestParser::State::failed) return Read::refused;
        if (parser_->wants_continue() && !continue_sent_) send_continue();
        if (!input_ready_) return Read::nothing;
        const Read read = receive();
        if (read == Read::ended) return read;
    }
}

Connection::Read Connection::receive() {
    ssize_t got = 0;
    do {
        got = ::recv(fd_, loop_->read_buffer(), EventLoop::read_bytes_max, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        const auto bytes = static_cast<std::size_t>(got);
        // A short read emptied the socket; epoll tells about what comes after it. Only the end of
        // the stream may have been told already.
        if (bytes < EventLoop::read_bytes_max && !peer_closed_) input_ready_ = false;
        parser_->feed({loop_->read_buffer(), bytes});
        return Read::request;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        input_ready_ = false;
        return Read::nothing;
    }
    peer_closed_ = true;
    input_ready_ = false;
    if (got == 0 && parser_->started()) {
        reject(400, "the connection ended within a request");
    } else {
        close();
    }
    return Read::ended;
}

/// Counts what the parser keeps. False when all requests that have not arrived take too much.
bool Connection::count_unfinished() {
    const std::size_t kept = parser_ ? parser_->kept_bytes() : 0;
    if (kept == counted_bytes_ || (kept <= uncounted_bytes_max && counted_bytes_ == 0)) return true;
    const std::size_t more = kept - counted_bytes_;  // or fewer, modulo 2^64 as in the sum
    const Limits& limits = loop_->options().limits;
    auto& all = loop_->context().unfinished_bytes;
    counted_bytes_ = kept;
    return all.fetch_add(more, std::memory_order_relaxed) + more <=
           limits.unfinished_bodies * limits.body_bytes;
}

void Connection::forget_unfinished() {
    if (counted_bytes_ == 0) return;
    loop_->context().unfinished_bytes.fetch_sub(counted_bytes_, std::memory_order_relaxed);
    counted_bytes_ = 0;
}

// Everything that has arrived is parsed, and it is not a complete request.
void Connection::pause() {
    const Limits& limits = loop_->options().limits;
    if (parser_ && parser_->state() == RequestParser::State::need_body) {
        set_timeout(Timeout::body, limits.body_timeout);
    } else if (parser_ && parser_->started()) {
        set_timeout(Timeout::head, limits.header_timeout);
    } else {
        release_parser();
        if (loop_->stopping())
            close();
        else
            set_timeout(Timeout::idle, limits.idle_timeout);
    }
}

void Connection::dispatch() {
    unparsed_ = true;
    keep_alive_ = parser_->keep_alive();
    head_request_ = parser_->is_head();
    http_1_0_ = parser_->is_http_1_0();
    continue_sent_ = false;
    cors_lines_.clear();
    timeout_ = Timeout::none;
    loop_->deadlines().disarm(*this);
    Request request = parser_->request();
    request.peer = peer_;
    phase_ = Phase::handling;
    if (pass_browser_guard(request)) {
        answered_.store(false, std::memory_order_relaxed);
        try {
            loop_->context().handler(request, Exchange(shared_from_this()));
        } catch (...) {
            // The exchange was dropped while the exception passed, and that answered 500.
        }
    }
    // An answer that the kernel took only in part is sent when it takes more.
    if (phase_ == Phase::writing) park_pipelined();
    if (phase_ == Phase::streaming) {
        unparsed_ = false;
        release_parser();
        if (peer_closed_) lost();
    }
    if (phase_ != Phase::handling && phase_ != Phase::answered) return;
    if (phase_ == Phase::handling) phase_ = Phase::waiting;
    if (parser_->holds_bytes()) {
        parser_->park();
        count_unfinished();  // to be read later, so it cannot be refused now
    } else {
        unparsed_ = false;
        release_parser();
    }
    if (peer_closed_) notify_disconnect();
}

/// What a client sent behind the request that is done with lies in the buffer that all connections
/// of the loop read into: it must have a place of its own before another one reads.
void Connection::park_pipelined() {
    if (parser_ && unparsed_) parser_->park();
}

bool Connection::pass_browser_guard(const Request& request) {
    const BrowserRules& rules = loop_->options().browser;
    const BrowserFacts facts{
        .method = request.method,
        .host = parser_->host(),
        .target_authority = parser_->target_authority(),
        .has_origin = parser_->has_origin(),
        .origin = parser_->origin(),
        .fetch_site = parser_->fetch_site(),
    };
    const BrowserVerdict verdict = loop_->browser_guard().check(facts);
    if (verdict.status != 0) {
        Response refusal = error_response(verdict.status, verdict.text);
        write_answer(refusal, {}, When::now);
        return false;
    }
    if (!facts.has_origin || !origin_configured(facts.origin, rules)) return true;
    cors_lines_ = cors_lines(facts.origin, rules);
    if (request.method != "OPTIONS" || request.count("access-control-request-method") == 0) {
        return true;
    }
    Response preflight;
    preflight.status = 204;
    preflight.headers =
        preflight_lines(request.header("access-control-request-headers").value_or(""));
    write_answer(preflight, {}, When::now);
    return false;
}

// For a request that never reached the handler. Never inside a handler.
void Connection::reject(int status, std::string_view text) {
    keep_alive_ = false;
    head_request_ = false;
    cors_lines_.clear();
    input_ready_ = true;  // most of it may still be on its way
    phase_ = Phase::handling;
    Response refusal = error_response(status, text);
    if (status == 405) refusal.headers = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
    if (status == 503) refusal.headers = "Retry-After: 1\r\n";
    write_answer(refusal, {}, When::now);
    release_parser();
}

void Connection::set_on_deadline(Duration after, Exchange::Hook hook) {
    on_deadline_ = std::move(hook);
    // Not the time of this round: that is a little old, and a wait must never end early.
    loop_->deadlines().arm(*this, std::chrono::steady_clock::now() + after);
}

void Connection::linger() {
    ::shutdown(fd_, SHUT_WR);
    phase_ = Phase::lingering;
    set_timeout(Timeout::linger, linger_time);
}

void Connection::drain() {
    for (int reads = 0; reads < drain_reads_max; ++reads) {
        const auto got = ::recv(fd_, loop_->read_buffer(), EventLoop::read_bytes_max, 0);
        if (got > 0 || (got < 0 && errno == EINTR)) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        close();
        return;
    }
    loop_->defer(shared_from_this());
}

void Connection::on_deadline_passed() {
    switch (phase_) {
        case Phase::waiting: {
            if (answered_.load(std::memory_order_relaxed) || !on_deadline_) return;
            auto hook = std::move(on_deadline_);
            on_deadline_ = nullptr;
            hook();
            return;
        }
        case Phase::reading:
            if (timeout_ == Timeout::idle) {
                close();
                return;
            }
            if (timeout_ == Timeout::body && moves_on()) return;
            reject(408, "the request did not arrive in time");
            if (phase_ == Phase::lingering) drain();
            return;
        case Phase::writing:
            if (!moves_on()) lost();
            return;
        case Phase::streaming:
            lost();
            return;
        case Phase::lingering:
            close();
            return;
        case Phase::handling:
        case Phase::answered:
        case Phase::closed:
            return;
    }
}

// The socket is dead in both directions.
void Connection::lost() {
    auto hook = std::move(on_disconnect_);
    on_disconnect_ = nullptr;
    const bool tell = phase_ == Phase::waiting && !answered_.load(std::memory_order_relaxed);
    close();
    if (tell && hook) hook();
}

bool Connection::peer_left() const {
    pollfd state{.fd = fd_, .events = POLLRDHUP, .revents = 0};
    return peer_closed_ || (::poll(&state, 1, 0) > 0 && state.revents != 0);
}

void Connection::notify_disconnect() {
    if (!on_disconnect_ || answered_.load(std::memory_order_relaxed)) return;
    auto hook = std::move(on_disconnect_);
    on_disconnect_ = nullptr;
    hook();
}

void Connection::close_if_idle() {
    const bool body_arriving = parser_ && parser_->state() == RequestParser::State::need_body;
    if ((phase_ == Phase::reading && !body_arriving) || phase_ == Phase::lingering) close();
    if (phase_ == Phase::streaming) send_end();
}

void Connection::abort() {
    lost();
}

void Connection::close() {
    if (phase_ == Phase::closed) return;
    const bool writing = phase_ == Phase::writing || phase_ == Phase::answered;
    phase_ = Phase::closed;
    streaming_.store(false, std::memory_order_relaxed);
    // A program that is just being started may have it open as well, and then there would be events
    // of it after the close.
    loop_->unwatch(fd_);
    ::close(fd_);
    loop_->context().connections.fetch_sub(1, std::memory_order_relaxed);
    forget_unfinished();
    on_disconnect_ = nullptr;
    on_deadline_ = nullptr;
    pending_ = {};
    loop_->drop(*this);
    if (!writing) return;
    if (auto settled = std::move(settled_)) settled(false);
}

void Connection::release_parser() {
    forget_unfinished();
    if (parser_) loop_->give_back(std::move(parser_));
}

void Connection::set_timeout(Timeout kind, Duration after) {
    // Bytes that trickle in do not move the deadline of a request.
    if (kind == timeout_ && kind != Timeout::idle) return;
    timeout_ = kind;
    const auto due =
        std::chrono::ceil<std::chrono::milliseconds>((loop_->now() + after).time_since_epoch());
    const auto tick = std::chrono::duration_cast<std::chrono::milliseconds>(timeout_tick);
    const auto late = due % tick;
    loop_->deadlines().arm(*this, TimePoint(late.count() == 0 ? due : due + tick - late));
    if (kind == Timeout::body || phase_ == Phase::writing) moved_before_ = moved_bytes();
}

/// The time for a body or an answer is over. Who is slow but steady gets it once more: a client on
/// a slow line would otherwise ask for the same large answer for ever.
bool Connection::moves_on() {
    const Limits& limits = loop_->options().limits;
    const Timeout kind = std::exchange(timeout_, Timeout::none);
    const Duration time = kind == Timeout::body ? limits.body_timeout : limits.write_timeout;
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    const auto wanted =
        static_cast<std::int64_t>(limits.bytes_per_second_min) * milliseconds / 1000;
    if (moved_bytes() - moved_before_ < std::max<std::int64_t>(wanted, 1)) return false;
    set_timeout(kind, time);
    return true;
}

/// Of the body that arrives, or of the answer that the client takes: what still lies in the kernel
/// does not count, as it can be megabytes there.
std::int64_t Connection::moved_bytes() const {
    if (phase_ == Phase::reading) return static_cast<std::int64_t>(parser_->body_arrived_bytes());
    int unsent = 0;
    ::ioctl(fd_, SIOCOUTQ, &unsent);
    return static_cast<std::int64_t>(pending_at_) - unsent;
}

}  // namespace tranter::http
