#include "http/request_parser.hpp"

#include "http/text.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace tranter::http {
namespace beast = boost::beast::http;

namespace {

constexpr std::size_t method_bytes_max = 24;

std::string_view view_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

/// Bytes up to and including the last line feed. string_view::rfind looks at one byte at a time.
std::size_t whole_lines(std::string_view bytes) {
    const void* const last = ::memrchr(bytes.data(), '\n', bytes.size());
    return last == nullptr
               ? 0
               : static_cast<std::size_t>(static_cast<const char*>(last) - bytes.data()) + 1;
}

/// "GET / HTTP/3.7" is a version we do not speak, "GET / HTTP/1.1x" is nonsense.
bool names_some_http_version(std::string_view bytes) {
    const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
    const std::size_t at = line.rfind(" HTTP/");
    if (at == std::string_view::npos || line.size() != at + 9) return false;
    if (std::ranges::count(line, ' ') != 2) return false;
    return is_digit(line[at + 6]) && line[at + 7] == '.' && is_digit(line[at + 8]);
}

}  // namespace

/// Beast's parser for one header block, writing what it finds into the RequestParser.
class RequestParser::HeadReader final : public beast::basic_parser<true> {
  public:
    explicit HeadReader(RequestParser& into) : into_(into) {
        header_limit(static_cast<std::uint32_t>(into.limits_->header_bytes));
        body_limit(boost::none);
    }

  private:
    using Code = boost::system::error_code;

    void
    on_request_impl(beast::verb, boost::beast::string_view method, boost::beast::string_view target, int version, Code&)
        override {
        into_.request_.method = view_of(method);
        into_.request_.target = view_of(target);
        into_.version_ = version;
    }

    void on_field_impl(
        beast::field field,
        boost::beast::string_view name,
        boost::beast::string_view value,
        Code& ec
    ) override {
        auto& headers = into_.headers_;
        if (headers.size() >= into_.limits_->header_lines) {
            into_.fail_with(431, "too many header lines");
            ec = beast::error::header_limit;
            return;
        }
        // Beast joins folded lines in a buffer of its own, or skips the line end before the value.
        const char* const name_end = name.data() + name.size();
        const bool outside = value.data() < name_end || value.data() > into_.base_ + into_.size_;
        if (outside ||
            view_of({name_end, static_cast<std::size_t>(value.data() - name_end)}).find('\n') !=
                std::string_view::npos) {
            ec = beast::error::bad_value;
            return;
        }
        const int index = static_cast<int>(headers.size());
        headers.push_back({view_of(name), view_of(value)});
        note(field, index);
    }

    void note(beast::field field, int index) {
        switch (field) {
            case beast::field::host:
                into_.host_ = index;
                ++into_.hosts_;
                break;
            case beast::field::content_length:
                into_.content_length_ = index;
                ++into_.content_lengths_;
                break;
            case beast::field::transfer_encoding:
                into_.transfer_encoding_ = index;
                ++into_.transfer_encodings_;
                break;
            case beast::field::expect:
                into_.expect_ = index;
                break;
            case beast::field::origin:
                into_.origin_ = index;
                break;
            case beast::field::sec_fetch_site:
                into_.fetch_site_ = index;
                break;
            default:
                break;
        }
    }

    void on_response_impl(int, boost::beast::string_view, int, Code&) override {}
    void on_header_impl(Code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, Code&) override {}
    std::size_t on_body_impl(boost::beast::string_view body, Code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body, Code&) override {
        return body.size();
    }
    void on_finish_impl(Code&) override {}

    RequestParser& into_;
};

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
}

void RequestParser::reset() {
    constexpr std::size_t small = 4096;
    consumed_ = size_;
    forget_request();
    if (own_.capacity() > small) own_.release();
    if (chunked_body_.capacity() > small) chunked_body_.release();
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
        headers_.clear();
        host_ = origin_ = fetch_site_ = content_length_ = transfer_encoding_ = expect_ = -1;
        hosts_ = content_lengths_ = transfer_encodings_ = 0;
        HeadReader reader(*this);
        boost::system::error_code ec;
        const std::size_t used = reader.put({base_, lines}, ec);
        if (state_ == State::failed) return state_;
        if (ec && ec != beast::error::need_more) {
            if (ec == beast::error::bad_version && names_some_http_version(bytes)) {
                return fail_with(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
            }
            return fail_with(400, "malformed request");
        }
        if (reader.is_header_done()) {
            head_bytes_ = used;
            keep_alive_ = reader.keep_alive();
            return finish_head();
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
    const std::size_t target_bytes = std::min(rest.find_first_of(" \r\n"), rest.size());
    if (target_bytes > limits_->target_bytes) return fail_with(414, "request target is too long");
    return State::need_head;
}

RequestParser::State RequestParser::finish_head() {
    if (check_framing() == State::failed) return State::failed;
    if (check_target() == State::failed) return State::failed;
    if (check_method() == State::failed) return State::failed;
    if (transfer_encodings_ != 0) chunks_.emplace(limits_->body_bytes);
    body_ready_bytes_ = 0;
    return State::need_body;
}

RequestParser::State RequestParser::check_framing() {
    if (hosts_ > 1) return fail_with(400, "more than one Host header");
    if (version_ == 11 && hosts_ == 0) return fail_with(400, "Host header is missing");
    if (content_lengths_ > 1) return fail_with(400, "more than one Content-Length header");
    if (transfer_encodings_ != 0) {
        if (transfer_encodings_ > 1 || content_lengths_ != 0 || version_ == 10 ||
            !same_ignoring_case(at(transfer_encoding_), "chunked")) {
            return fail_with(400, "the only transfer encoding is chunked, without Content-Length");
        }
    }
    body_bytes_ = 0;
    if (content_length_ >= 0) {
        const std::string_view digits = at(content_length_);
        if (digits.empty() || !std::ranges::all_of(digits, is_digit)) {
            return fail_with(400, "Content-Length is not a number");
        }
        const auto [end, code] =
            std::from_chars(digits.data(), digits.data() + digits.size(), body_bytes_);
        if (code != std::errc{} || body_bytes_ > limits_->body_bytes) {
            return fail_with(413, "request body is too large");
        }
    }
    expects_continue_ = expect_ >= 0 && version_ == 11;
    if (expects_continue_ && !same_ignoring_case(at(expect_), "100-continue")) {
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
    request_.headers = headers_;
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
    for (Header& header : headers_) {
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
    headers_.clear();
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
