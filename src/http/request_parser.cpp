#include "http/request_parser.hpp"

#include "http/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace tranter::http {
namespace {

constexpr std::size_t method_bytes_max = 24;

/// Bytes up to and including the last line feed. string_view::rfind looks at one byte at a time.
std::size_t whole_lines(std::string_view bytes) {
    const void* const last = ::memrchr(bytes.data(), '\n', bytes.size());
    return last == nullptr
               ? 0
               : static_cast<std::size_t>(static_cast<const char*>(last) - bytes.data()) + 1;
}

}  // namespace

RequestParser::State RequestParser::feed(std::string_view bytes) {
    if (own_.empty()) {
        in_place_ = true;
        base_ = bytes.data();
        size_ = bytes.size();
    } else {
        own_.append(bytes);
        rebase(own_.data());
        size_ = own_.size();
    }
    return parse();
}

RequestParser::State RequestParser::next() {
    forget_request();
    if (size_ == 0) return state_;
    return parse();
}

void RequestParser::park() {
    forget_request();
    keep();
    own_.shrink();
    chunked_body_.shrink();
    if (!own_.empty()) rebase(own_.data());
}

void RequestParser::reset() {
    consumed_ = size_;
    forget_request();
    own_.shrink();
    chunked_body_.shrink();
}

RequestParser::State RequestParser::parse() {
    if (state_ == State::need_head) state_ = parse_head();
    if (state_ == State::need_body) state_ = parse_body();
    if (state_ == State::need_head || state_ == State::need_body) keep();
    return state_;
}

RequestParser::State RequestParser::parse_head() {
    std::size_t blank = 0;  // old clients send an empty line after a body: RFC 9112 2.2
    while (size_ - blank >= 2 && base_[blank] == '\r' && base_[blank + 1] == '\n')
        blank += 2;
    if (blank != 0) {
        consumed_ = blank;
        forget_request();
    }
    const std::string_view bytes(base_, std::min(size_, limits_->header_bytes));
    if (bytes.empty() || bytes == "\r") return State::need_head;
    if (check_request_line(bytes) == State::failed) return State::failed;

    const std::size_t lines = whole_lines(bytes);
    if (lines > tried_bytes_) {
        switch (read_head({base_, lines}, limits_->header_lines, head_, head_bytes_)) {
            case HeadState::done:
                return finish_head();
            case HeadState::malformed:
                return fail_with(400, "malformed request");
            case HeadState::other_version:
                return fail_with(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
            case HeadState::too_many_lines:
                return fail_with(431, "too many header lines");
            case HeadState::more:
                break;
        }
        tried_bytes_ = lines;
    }
    if (size_ >= limits_->header_bytes) return fail_with(431, "request header is too large");
    return State::need_head;
}

// What can be said before the first line is complete, so that garbage and endless lines are
// refused at once. Looks at prefixes only, so it finds the same in any splitting.
RequestParser::State RequestParser::check_request_line(std::string_view bytes) {
    const std::string_view start = bytes.substr(0, method_bytes_max + 1);
    const auto method_end = std::ranges::find_if_not(start, is_token_char);
    const auto method_bytes = static_cast<std::size_t>(method_end - start.begin());
    if (method_end == start.end()) {
        if (method_bytes > method_bytes_max) return fail_with(501, "unknown method");
        return State::need_head;
    }
    if (method_bytes == 0 || *method_end != ' ') return fail_with(400, "malformed request");
    const std::string_view rest = bytes.substr(method_bytes + 1);
    const auto target_end =
        std::ranges::find_if(rest, [](char c) { return c == ' ' || c == '\r' || c == '\n'; });
    const auto target_bytes = static_cast<std::size_t>(target_end - rest.begin());
    if (target_bytes > limits_->target_bytes) return fail_with(414, "request target is too long");
    return State::need_head;
}

RequestParser::State RequestParser::finish_head() {
    request_.method = head_.method;
    request_.target = head_.target;
    keep_alive_ = !head_.connection_close && (head_.version == 11 || head_.connection_keep_alive);
    if (check_framing() == State::failed) return State::failed;
    if (check_target() == State::failed) return State::failed;
    if (check_method() == State::failed) return State::failed;
    if (head_.transfer_encodings != 0) chunks_.emplace(limits_->body_bytes);
    body_ready_bytes_ = 0;
    return State::need_body;
}

RequestParser::State RequestParser::check_framing() {
    if (head_.hosts > 1) return fail_with(400, "more than one Host header");
    if (head_.version == 11 && head_.hosts == 0) return fail_with(400, "Host header is missing");
    if (head_.content_lengths > 1) return fail_with(400, "more than one Content-Length header");
    if (head_.transfer_encodings != 0) {
        if (head_.transfer_encodings > 1 || head_.content_lengths != 0 || head_.version == 10 ||
            !same_ignoring_case(head_.value(head_.transfer_encoding), "chunked")) {
            return fail_with(400, "the only transfer encoding is chunked, without Content-Length");
        }
    }
    body_bytes_ = 0;
    if (head_.content_length >= 0) {
        const std::string_view digits = head_.value(head_.content_length);
        if (digits.empty() || !std::ranges::all_of(digits, is_digit)) {
            return fail_with(400, "Content-Length is not a number");
        }
        const auto [end, code] =
            std::from_chars(digits.data(), digits.data() + digits.size(), body_bytes_);
        if (code != std::errc{} || body_bytes_ > limits_->body_bytes) {
            return fail_with(413, "request body is too large");
        }
    }
    expects_continue_ = head_.expect >= 0 && head_.version == 11;
    if (expects_continue_ && !same_ignoring_case(head_.value(head_.expect), "100-continue")) {
        return fail_with(417, "the only expectation met here is 100-continue");
    }
    return State::need_body;
}

// Origin form, absolute form (its authority then names the host: RFC 9112 3.2.2), or OPTIONS *.
RequestParser::State RequestParser::check_target() {
    std::string_view target = request_.target;
    const bool plain =
        std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
    if (!plain) return fail_with(400, "malformed request target");
    target_authority_ = {};
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!same_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const std::size_t end = std::min(target.find_first_of("/?"), target.size());
        target_authority_ = target.substr(0, end);
        if (target_authority_.empty()) return fail_with(400, "malformed request target");
        target.remove_prefix(end);
        request_.target = target.empty() ? std::string_view("/") : target;
        break;
    }
    const bool rooted = target.starts_with('/') || !target_authority_.empty();
    const bool asterisk = target == "*" && request_.method == "OPTIONS";
    const bool tunnel = request_.method == "CONNECT";  // refused by its method
    if (!rooted && !asterisk && !tunnel) return fail_with(400, "malformed request target");
    const std::size_t mark = target.find('?');
    request_.path = target.substr(0, mark);
    if (request_.path.empty()) request_.path = "/";
    request_.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
    return State::need_body;
}

RequestParser::State RequestParser::check_method() {
    constexpr std::array<std::string_view, 7> known{
        "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"};
    if (std::ranges::find(known, request_.method) != known.end()) return State::need_body;
    if (request_.method == "TRACE" || request_.method == "CONNECT") {
        return fail_with(405, "method not allowed");
    }
    return fail_with(501, "unknown method");
}

RequestParser::State RequestParser::parse_body() {
    const std::string_view rest(base_ + head_bytes_, size_ - head_bytes_);
    if (!chunks_) {
        body_ready_bytes_ = rest.size();
        if (rest.size() < body_bytes_) return State::need_body;
        consumed_ = head_bytes_ + body_bytes_;
        return finish(rest.substr(0, body_bytes_));
    }
    std::size_t used = 0;
    switch (chunks_->feed(rest, chunked_body_, used)) {
        case ChunkDecoder::State::malformed:
            return fail_with(400, "malformed chunked body");
        case ChunkDecoder::State::too_large:
            return fail_with(413, "request body is too large");
        case ChunkDecoder::State::done:
            consumed_ = head_bytes_ + used;
            return finish(chunked_body_.empty() ? rest.substr(0, 0) : chunked_body_.view());
        case ChunkDecoder::State::more:
            break;
    }
    // All of it is decoded; only the head is still needed.
    body_ready_bytes_ += used;
    size_ = head_bytes_;
    if (!in_place_) own_.truncate(size_);
    return State::need_body;
}

RequestParser::State RequestParser::finish(std::string_view body) {
    request_.body = body;
    request_.headers = head_.headers;
    return State::complete;
}

RequestParser::State RequestParser::fail_with(int status, std::string_view text) {
    rejection_ = {status, text};
    return state_ = State::failed;
}

// Takes the bytes over from the caller's buffer.
void RequestParser::keep() {
    if (!in_place_ || size_ == 0) return;
    own_.clear();
    own_.append({base_, size_});
    rebase(own_.data());
    in_place_ = false;
}

// Makes all views point to where the bytes are now.
void RequestParser::rebase(const char* base) {
    if (base == base_) return;
    const auto from = reinterpret_cast<std::uintptr_t>(base_);
    const auto to = from + size_;
    const auto move = [&](std::string_view& view) {
        const auto at = reinterpret_cast<std::uintptr_t>(view.data());
        if (at >= from && at <= to) view = {base + (at - from), view.size()};
    };
    for (Header& header : head_.headers) {
        move(header.name);
        move(header.value);
    }
    for (auto* view : {&request_.method, &request_.target, &request_.path, &request_.query}) {
        move(*view);
    }
    move(target_authority_);
    base_ = base;
}

void RequestParser::forget_request() {
    if (in_place_ || own_.empty()) {
        if (base_ != nullptr) base_ += consumed_;
    } else {
        own_.erase_front(consumed_);
        base_ = own_.data();
    }
    size_ -= consumed_;
    consumed_ = head_bytes_ = tried_bytes_ = body_ready_bytes_ = 0;
    head_.clear();
    chunks_.reset();
    chunked_body_.clear();
    request_ = {};
    target_authority_ = {};
    state_ = State::need_head;
    if (size_ == 0) {
        base_ = nullptr;
        in_place_ = false;
        own_.clear();
    }
}

}  // namespace tranter::http
