#include "http/connection.hpp"

#include "http/browser_guard.hpp"
#include "http/response_writer.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

namespace tranter::http {
namespace {

// A pipelining client gives way to the others after so many requests.
constexpr unsigned turns_max = 32;
// So does one that goes on sending after its last answer.
constexpr int drain_reads_max = 16;
// Bodies up to here are copied behind the header, larger ones are gathered by the kernel.
constexpr std::size_t copied_body_bytes_max = 16 * 1024;
// Time for the client to read our last answer and close before we do.
constexpr Duration linger_time = std::chrono::seconds(1);
// Connection timeouts are rounded up, so that the loop wakes up for many at once.
constexpr Duration timeout_tick = std::chrono::milliseconds(100);

ssize_t send_parts(int fd, std::span<iovec> parts) {
    // The kernel gets at one buffer faster than at a list of one.
    if (parts.size() == 1) return ::send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

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
        case Phase::lingering:
            drain();
            break;
        case Phase::handling:
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
                pause();
                return;
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
    if (phase_ != Phase::handling) return;
    phase_ = Phase::waiting;
    if (parser_->holds_bytes()) {
        parser_->park();
    } else {
        unparsed_ = false;
        release_parser();
    }
    if (peer_closed_) notify_disconnect();
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
        write_answer(refusal, {});
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
    write_answer(preflight, {});
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
    write_answer(refusal, {});
}

void Connection::set_on_deadline(Duration after, Exchange::Hook hook) {
    on_deadline_ = std::move(hook);
    // Not the time of this round: that is a little old, and a wait must never end early.
    loop_->deadlines().arm(*this, std::chrono::steady_clock::now() + after);
}

void Connection::respond(Response&& response, Exchange::Settled&& settled) {
    answered_.store(true, std::memory_order_relaxed);
    const bool own_thread = EventLoop::current() == loop_;
    if (own_thread && phase_ == Phase::handling) {
        write_answer(response, std::move(settled));
        return;
    }
    answer_ = std::move(response);
    settled_ = std::move(settled);
    if (own_thread) {
        // Somebody else's handler is running: writing here could run our next request inside it.
        answer_ready_ = true;
        loop_->defer(shared_from_this());
        return;
    }
    auto self = shared_from_this();
    if (mailbox_->post_answer(self)) return;
    if (auto late = std::move(settled_)) late(false);
}

void Connection::send_answer() {
    answer_ready_ = false;
    Response response = std::move(answer_);
    answer_ = {};
    auto settled = std::move(settled_);
    // The peer may have left after the last events were read: the kernel would still take the
    // answer, and whoever asked to be told would believe that it arrived.
    if (settled && phase_ != Phase::closed && peer_left()) close();
    if (phase_ == Phase::closed) {
        if (settled) settled(false);
        return;
    }
    write_answer(response, std::move(settled));
    if (phase_ == Phase::reading) run();
    if (phase_ == Phase::lingering) drain();
}

void Connection::write_answer(Response& response, Exchange::Settled settled) {
    on_disconnect_ = nullptr;
    on_deadline_ = nullptr;
    close_after_answer_ = !keep_alive_ || response.close || loop_->stopping();
    const bool with_body = !head_request_ && has_body(response.status);
    const std::string_view body = with_body ? std::string_view(response.body) : std::string_view{};

    std::string& out = loop_->write_buffer();
    out.clear();
    append_head(
        out,
        response,
        {.date_line = loop_->date_line().get(),
         .extra_headers = cors_lines_,
         .close = close_after_answer_,
         .http_1_0 = http_1_0_}
    );
    std::array<iovec, 2> parts{};
    std::size_t part_count = 1;
    if (body.size() <= copied_body_bytes_max) {
        out.append(body);
    } else {
        parts[1] = {const_cast<char*>(body.data()), body.size()};
        part_count = 2;
    }
    parts[0] = {out.data(), out.size()};
    const std::size_t total = out.size() + parts[1].iov_len;

    auto put = send_parts(fd_, std::span(parts).first(part_count));
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) put = 0;
    if (put < 0) {
        close();
        if (settled) settled(false);
        return;
    }
    const auto sent = static_cast<std::size_t>(put);
    if (sent == total) {
        answer_written();
        if (settled) settled(true);
        return;
    }
    pending_.assign(out, std::min(sent, out.size()));
    if (part_count == 2) pending_.append(body.substr(sent - std::min(sent, out.size())));
    pending_at_ = 0;
    settled_ = std::move(settled);
    phase_ = Phase::writing;
    set_timeout(Timeout::write, loop_->options().limits.write_timeout);
}

void Connection::flush() {
    while (pending_at_ < pending_.size()) {
        const auto put =
            ::send(fd_, pending_.data() + pending_at_, pending_.size() - pending_at_, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (put < 0) {
            lost();
            return;
        }
        pending_at_ += static_cast<std::size_t>(put);
    }
    pending_ = {};
    auto settled = std::move(settled_);
    answer_written();
    if (settled) settled(true);
}

void Connection::answer_written() {
    if (!close_after_answer_) {
        phase_ = Phase::reading;
        return;
    }
    // Closing a socket with unread bytes resets the connection and may destroy the answer.
    const bool more_to_read = input_ready_ || (parser_ && parser_->holds_bytes());
    if (more_to_read)
        linger();
    else
        close();
}

void Connection::send_continue() {
    constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
    continue_sent_ = true;
    // A socket that has no room for 25 bytes has a client that does not read; it gets no answer.
    if (::send(fd_, line.data(), line.size(), MSG_NOSIGNAL) < 0) return;
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
            reject(408, "the request did not arrive in time");
            if (phase_ == Phase::lingering) drain();
            return;
        case Phase::writing:
            lost();
            return;
        case Phase::lingering:
            close();
            return;
        case Phase::handling:
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
}

void Connection::abort() {
    lost();
}

void Connection::close() {
    if (phase_ == Phase::closed) return;
    const bool writing = phase_ == Phase::writing;
    phase_ = Phase::closed;
    ::close(fd_);
    loop_->context().connections.fetch_sub(1, std::memory_order_relaxed);
    on_disconnect_ = nullptr;
    on_deadline_ = nullptr;
    pending_ = {};
    loop_->drop(*this);
    if (!writing) return;
    if (auto settled = std::move(settled_)) settled(false);
}

void Connection::release_parser() {
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
}

}  // namespace tranter::http
