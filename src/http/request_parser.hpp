#pragma once

#include "http/byte_buffer.hpp"
#include "http/chunk_decoder.hpp"
#include "http/message.hpp"
#include "http/server.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

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
/// Beast's basic_parser reads the header block. Whole lines are given to it, because what it makes
/// of half a line depends on where the line was cut. Bodies are ours: see ChunkDecoder.
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
    /// At least one byte of the next request is here.
    bool started() const { return state_ == State::need_body || holds_bytes(); }

    State state() const { return state_; }
    const Rejection& rejection() const { return rejection_; }

    const Request& request() const { return request_; }
    bool keep_alive() const { return keep_alive_; }
    bool is_http_1_0() const { return version_ == 10; }
    bool is_head() const { return request_.method == "HEAD"; }
    /// `Expect: 100-continue` was sent and nothing of the body has arrived.
    bool wants_continue() const {
        return state_ == State::need_body && expects_continue_ && body_ready_bytes_ == 0;
    }

    /// Who the request is for: Host, or the authority of an absolute-form target. Empty for
    /// HTTP/1.0 without Host.
    std::string_view host() const { return at(host_); }
    std::string_view target_authority() const { return target_authority_; }
    std::string_view origin() const { return at(origin_); }
    std::string_view fetch_site() const { return at(fetch_site_); }
    bool has_origin() const { return origin_ >= 0; }

  private:
    class HeadReader;

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
    std::string_view at(int index) const {
        return index < 0 ? std::string_view{} : headers_[static_cast<std::size_t>(index)].value;
    }

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
    int version_ = 11;
    int host_ = -1;  // indices into headers_, -1 for absent
    int origin_ = -1;
    int fetch_site_ = -1;
    int content_length_ = -1;
    int transfer_encoding_ = -1;
    int expect_ = -1;
    int hosts_ = 0;
    int content_lengths_ = 0;
    int transfer_encodings_ = 0;
    std::size_t body_bytes_ = 0;  // announced
    std::string_view target_authority_;
    Rejection rejection_;
    Request request_;
    std::vector<Header> headers_;
    std::optional<ChunkDecoder> chunks_;
    ByteBuffer chunked_body_;
};

}  // namespace tranter::http
