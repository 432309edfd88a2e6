#include "http/connection.hpp"
#include "http/response_writer.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

// An answer that comes in pieces.
namespace tranter::http {
namespace {

// Bytes that the kernel has taken are moved out of the way from here on.
constexpr std::size_t sent_bytes_kept_max = 64 * 1024;

}  // namespace

void Connection::begin_stream(Response&& head) {
    keep_alive_ = false;
    answered_.store(true, std::memory_order_relaxed);
    if (head_request_) {
        write_answer(head, {}, When::now);
        return;
    }
    on_disconnect_ = nullptr;
    on_deadline_ = nullptr;
    close_after_answer_ = true;
    stream_ended_ = false;
    pending_.clear();
    pending_at_ = 0;
    append_head(
        pending_,
        head,
        {.date_line = loop_->date_line().get(),
         .extra_headers = cors_lines_,
         .close = true,
         .http_1_0 = http_1_0_,
         .endless = true}
    );
    unread_bytes_.store(pending_.size(), std::memory_order_relaxed);
    phase_ = Phase::streaming;
    streaming_.store(true, std::memory_order_release);
    if (loop_->stopping()) {
        send_end();
    } else {
        flush_stream();
    }
}

bool Connection::write_piece(std::shared_ptr<const std::string> piece) {
    if (piece->empty())
        return streaming_.load(std::memory_order_acquire);  // a chunk of 0 is the end
    if (!streaming_.load(std::memory_order_acquire)) return false;
    auto self = shared_from_this();
    const std::size_t bytes = framed_bytes(piece->size());
    if (unread_bytes_.fetch_add(bytes, std::memory_order_relaxed) > Stream::unread_bytes_max) {
        streaming_.store(false, std::memory_order_relaxed);
        mailbox_->post([self] { self->abort(); });
        return false;
    }
    return mailbox_->post([self, piece = std::move(piece)] { self->send_piece(*piece); });
}

void Connection::end_stream() {
    if (!streaming_.load(std::memory_order_acquire)) return;
    mailbox_->post([self = shared_from_this()] { self->send_end(); });
}

std::size_t Connection::framed_bytes(std::size_t piece_bytes) const {
    if (http_1_0_) return piece_bytes;
    std::size_t digits = 1;
    for (std::size_t rest = piece_bytes; rest > 15; rest /= 16)
        ++digits;
    return digits + piece_bytes + 4;
}

void Connection::send_piece(std::string_view piece) {
    if (phase_ != Phase::streaming || stream_ended_) return;
    if (http_1_0_) {
        pending_.append(piece);
    } else {
        std::array<char, 16> size;
        const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16);
        pending_.append(size.data(), end.ptr).append("\r\n").append(piece).append("\r\n");
    }
    flush_stream();
}

void Connection::send_end() {
    if (phase_ != Phase::streaming || std::exchange(stream_ended_, true)) return;
    constexpr std::string_view last_chunk = "0\r\n\r\n";
    streaming_.store(false, std::memory_order_relaxed);
    if (!http_1_0_) {
        pending_.append(last_chunk);
        unread_bytes_.fetch_add(last_chunk.size(), std::memory_order_relaxed);
    }
    flush_stream();
}

void Connection::flush_stream() {
    while (pending_at_ < pending_.size()) {
        const auto put =
            ::send(fd_, pending_.data() + pending_at_, pending_.size() - pending_at_, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (pending_at_ >= sent_bytes_kept_max) {
                pending_.erase(0, std::exchange(pending_at_, 0));
            }
            set_timeout(Timeout::write, loop_->options().limits.write_timeout);
            return;
        }
        if (put < 0) {
            lost();
            return;
        }
        pending_at_ += static_cast<std::size_t>(put);
        unread_bytes_.fetch_sub(static_cast<std::size_t>(put), std::memory_order_relaxed);
    }
    pending_ = {};
    pending_at_ = 0;
    timeout_ = Timeout::none;
    loop_->deadlines().disarm(*this);
    if (!stream_ended_) return;
    answer_written();
    if (phase_ == Phase::lingering) drain();
}

}  // namespace tranter::http
