#include "http/connection.hpp"
#include "http/response_writer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

// How an answer reaches the client.
namespace tranter::http {
namespace {

// Bodies up to here are copied behind the header, larger ones are gathered by the kernel.
constexpr std::size_t copied_body_bytes_max = 16 * 1024;

ssize_t send_parts(int fd, std::span<iovec> parts) {
    // The kernel gets at one buffer faster than at a list of one.
    if (parts.size() == 1) return ::send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

void Connection::respond(Response&& response, Exchange::Settled&& settled) {
    answered_.store(true, std::memory_order_relaxed);
    const bool own_thread = EventLoop::current() == loop_;
    if (own_thread && phase_ == Phase::handling) {
        // Requests that came with this one are in the buffers already and go on at once.
        const bool alone = !parser_->holds_bytes();
        write_answer(response, std::move(settled), alone ? When::end_of_round : When::now);
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
    const bool alone = parser_ == nullptr || !parser_->holds_bytes();
    write_answer(response, std::move(settled), alone ? When::end_of_round : When::now);
    if (phase_ == Phase::reading) run();
    if (phase_ == Phase::lingering) drain();
}

void Connection::write_answer(Response& response, Exchange::Settled settled, When when) {
    on_disconnect_ = nullptr;
    on_deadline_ = nullptr;
    close_after_answer_ = !keep_alive_ || response.close || loop_->stopping();
    const bool with_body = !head_request_ && has_body(response.status);
    const std::string_view body = with_body ? std::string_view(response.body) : std::string_view{};

    std::string& out = loop_->write_buffer();
    const std::size_t begin = out.size();
    append_head(
        out,
        response,
        {.date_line = loop_->date_line().get(),
         .extra_headers = cors_lines_,
         .close = close_after_answer_,
         .http_1_0 = http_1_0_}
    );
    const bool copied = body.size() <= copied_body_bytes_max;
    if (copied) out.append(body);
    if (copied && when == When::end_of_round) {
        settled_ = std::move(settled);
        phase_ = Phase::answered;
        loop_->send_later(*this, begin);
        return;
    }
    std::array<iovec, 2> parts{
        iovec{out.data() + begin, out.size() - begin},
        iovec{const_cast<char*>(body.data()), body.size()}};
    transmit(std::span(parts).first(copied ? 1 : 2), std::move(settled));
    out.resize(begin);
}

void Connection::send_now(std::string_view answer) {
    if (phase_ != Phase::answered) return;  // closed meanwhile
    iovec part{const_cast<char*>(answer.data()), answer.size()};
    transmit({&part, 1}, std::move(settled_));
    if (phase_ == Phase::reading && input_ready_) {
        loop_->defer(shared_from_this());
    } else if (phase_ == Phase::reading) {
        pause();
    } else if (phase_ == Phase::lingering) {
        drain();
    }
}

void Connection::transmit(std::span<iovec> parts, Exchange::Settled settled) {
    auto put = send_parts(fd_, parts);
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) put = 0;
    if (put < 0) {
        close();
        if (settled) settled(false);
        return;
    }
    auto sent = static_cast<std::size_t>(put);
    pending_.clear();
    for (const iovec& part : parts) {
        const std::string_view bytes(static_cast<const char*>(part.iov_base), part.iov_len);
        const std::size_t done = std::min(sent, bytes.size());
        pending_.append(bytes.substr(done));
        sent -= done;
    }
    if (pending_.empty()) {
        answer_written();
        if (settled) settled(true);
        return;
    }
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

}  // namespace tranter::http
