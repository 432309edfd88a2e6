#pragma once

#include "http/byte_buffer.hpp"
#include "http/chunk_decoder.hpp"
#include "http/head_reader.hpp"
#include "http/message.hpp"
#include "http/server.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tranter::http {

/// Why a request was refused. `text` is for the client and never repeats what it sent.
struct Rejection {
    int status = 0;
    std::string_view text;
};

/// Turns bytes into requests, with the limits and the strictness of this server. The result does
/// not depend on how the bytes were split. It works in place on the bytes of feed() as long as a
/// request arrives in one piece, which is nearly always, and copies only what has to be kept.
///
/// Header blocks are read by read_head(), in whole lines; chunked bodies by ChunkDecoder.
class RequestParser {
  public:
    enum class State : std::uint8_t {
        need_head,  // at a border between requests or within a header block
        need_body,
        complete,  // request() is valid until the next call of feed, next or park
        failed,    // rejection() says why; the connection cannot go on
    };

    explicit RequestParser(const Limits& limits) : limits_(&limits) {}
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;

    /// Takes all of `bytes`, which must be followed by body_padding_bytes readable ones and stay
    /// in place until the request is done with. Not after `complete`: next() comes first.
    State feed(std::string_view bytes);

    /// Forgets the complete request and goes on with the bytes that followed it.
    State next();

    /// Forgets the complete request and copies the bytes that followed it without looking at
    /// them; next() goes on with them later.
    void park();

    /// Makes the parser as new, except for limits and a small buffer.
    void reset();

    /// Bytes of an unfinished or of a following request are kept.
    bool holds_bytes() const { return size_ > consumed_; }
    /// What it takes to keep them.
    std::size_t kept_bytes() const { return own_.capacity() + chunked_body_.capacity(); }
    /// Of the body, while it arrives.
    std::size_t body_arrived_bytes() const {
        return chunks_ ? chunked_body_.size() : body_ready_bytes_;
    }
    /// At least one byte of the next request is here.
    bool started() const { return state_ == State::need_body || holds_bytes(); }

    State state() const { return state_; }
    const Rejection& rejection() const { return rejection_; }

    const Request& request() const { return request_; }
    bool keep_alive() const { return keep_alive_; }
    bool is_http_1_0() const { return head_.version == 10; }
    bool is_head() const { return request_.method == "HEAD"; }
    /// `Expect: 100-continue` was sent and nothing of the body has arrived.
    bool wants_continue() const {
        return state_ == State::need_body && expects_continue_ && body_ready_bytes_ == 0;
    }

    /// Who the request is for: Host, or the authority of an absolute-form target. Empty for
    /// HTTP/1.0 without Host.
    std::string_view host() const { return head_.value(head_.host); }
    std::string_view target_authority() const { return target_authority_; }
    std::string_view origin() const { return head_.value(head_.origin); }
    std::string_view fetch_site() const { return head_.value(head_.fetch_site); }
    bool has_origin() const { return head_.origin >= 0; }

  private:
    State parse();
    State parse_head();
    State check_request_line(std::string_view bytes);
    State finish_head();
    State check_framing();
    State check_target();
    State check_method();
    State parse_body();
    State finish(std::string_view body);
    State fail_with(int status, std::string_view text);

    void keep();
    void rebase(const char* base);
    void forget_request();

    const Limits* limits_;  // the server's, outlives us

    // The bytes of the request under way and what follows it: in the caller's buffer or in own_.
    const char* base_ = nullptr;
    std::size_t size_ = 0;
    std::size_t consumed_ = 0;  // of the request; 0 until it is complete
    std::size_t head_bytes_ = 0;
    std::size_t tried_bytes_ = 0;  // prefix of whole lines that was not a complete head
    std::size_t body_ready_bytes_ = 0;
    bool in_place_ = false;
    ByteBuffer own_;

    State state_ = State::need_head;
    bool keep_alive_ = false;
    bool expects_continue_ = false;
    std::size_t body_bytes_ = 0;  // announced
    std::string_view target_authority_;
    Rejection rejection_;
    Request request_;
    Head head_;
    std::optional<ChunkDecoder> chunks_;
    ByteBuffer chunked_body_;
};

}  // namespace tranter::http
