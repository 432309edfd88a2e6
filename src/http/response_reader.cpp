#include "http/response_reader.hpp"

#include "http/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace tranter::http {
namespace {

/// What an announced length makes us reserve; the rest has to arrive first.
constexpr std::size_t reserved_bytes_max = std::size_t{1} << 20;
constexpr int status_switching = 101;
constexpr int status_no_content = 204;
constexpr int status_not_modified = 304;

bool can_be_status_line(std::string_view line) {
    constexpr std::string_view begin = "HTTP/1.";
    const std::size_t size = std::min(line.size(), begin.size());
    return line.substr(0, size) == begin.substr(0, size);
}

std::string in_lower_case(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

}  // namespace

ResponseReader::ResponseReader(const ClientRequest& request) : request_(request) {}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
    started_ = started_ || !bytes.empty();
    State state = State::more;
    while (state == State::more && !bytes.empty()) {
        switch (step_) {
            case Step::status_line:
            case Step::header:
                state = feed_head(bytes);
                break;
            case Step::length:
                state = feed_length(bytes);
                break;
            case Step::chunks:
                state = feed_chunks(bytes);
                break;
            case Step::to_end:
                state = take_body(std::exchange(bytes, {}));
                break;
        }
    }
    if (!bytes.empty()) keep_alive_ = false;
    return state;
}

ResponseReader::State ResponseReader::finish() {
    if (step_ == Step::to_end) return State::complete;
    if (step_ == Step::length) {
        return fail_with(
            Errc::unavailable,
            "the connection was closed when " + std::to_string(length_ - length_left_) + " of " +
                std::to_string(length_) + " bytes of the answer had arrived"
        );
    }
    return fail_with(Errc::unavailable, "the connection was closed in the middle of the answer");
}

/// Takes one line, or all bytes when it does not end in them.
ResponseReader::State ResponseReader::feed_head(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    const bool ends = end != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, ends ? end + 1 : end);
    bytes.remove_prefix(piece.size());
    if (!ends || !line_.empty()) line_ += piece;
    std::string_view line = line_.empty() ? piece : std::string_view(line_);
    if (step_ == Step::status_line && !can_be_status_line(line)) {
        return fail_with(Errc::unavailable, "the answer is not HTTP/1");
    }
    if (header_bytes_ + line.size() > answer_header_bytes_max) {
        return fail_with(
            Errc::limit_exceeded,
            "the answer has more than " + std::to_string(answer_header_bytes_max) +
                " bytes of headers"
        );
    }
    if (!ends) return State::more;
    header_bytes_ += line.size();
    line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
    const State state = take_line(line);
    line_.clear();
    return state;
}

ResponseReader::State ResponseReader::take_line(std::string_view line) {
    if (std::ranges::any_of(line, is_control)) {
        return fail_with(Errc::unavailable, "the answer has a control character in its headers");
    }
    if (step_ == Step::status_line) return take_status_line(line);
    return line.empty() ? end_head() : take_header(line);
}

ResponseReader::State ResponseReader::take_status_line(std::string_view line) {
    constexpr std::size_t shortest = std::string_view("HTTP/1.1 200").size();
    const bool good = line.size() >= shortest && (line[7] == '0' || line[7] == '1') &&
                      line[8] == ' ' && line[9] != '0' &&
                      std::ranges::all_of(line.substr(9, 3), is_digit) &&
                      (line.size() == shortest || line[shortest] == ' ');
    if (!good) return fail_with(Errc::unavailable, "the answer has a malformed status line");
    is_http_1_0_ = line[7] == '0';
    std::from_chars(line.data() + 9, line.data() + shortest, response_.status);
    step_ = Step::header;
    return State::more;
}

ResponseReader::State ResponseReader::take_header(std::string_view line) {
    auto& headers = response_.headers;
    const bool folded = line.starts_with(' ') || line.starts_with('\t');
    if (folded && !headers.empty()) {
        headers.back().second.append(" ").append(trim(line));
        return State::more;
    }
    const auto* const name_end = std::ranges::find_if_not(line, is_token_char);
    if (name_end == line.begin() || name_end == line.end() || *name_end != ':') {
        return fail_with(Errc::unavailable, "the answer has a malformed header");
    }
    const auto name_bytes = static_cast<std::size_t>(name_end - line.begin());
    headers.emplace_back(
        in_lower_case(line.substr(0, name_bytes)), trim(line.substr(name_bytes + 1))
    );
    return State::more;
}

ResponseReader::State ResponseReader::end_head() {
    if (response_.status == status_switching) {
        return fail_with(Errc::unavailable, "the answer changes to another protocol");
    }
    if (response_.status / 100 == 1) {
        response_.headers.clear();
        step_ = Step::status_line;
        return State::more;
    }
    bool closes = is_http_1_0_;
    for (const auto& [name, value] : response_.headers) {
        if (name != "connection") continue;
        for_each_in_list(value, [&](std::string_view option) {
            if (same_ignoring_case(option, "close")) closes = true;
            if (same_ignoring_case(option, "keep-alive") && is_http_1_0_) closes = false;
        });
    }
    keep_alive_ = !closes;
    const bool has_no_body = request_.method == "HEAD" || response_.status == status_no_content ||
                             response_.status == status_not_modified;
    return has_no_body ? State::complete : choose_framing();
}

// RFC 9112 6.3.
ResponseReader::State ResponseReader::choose_framing() {
    const std::string* coding = nullptr;
    const std::string* length = nullptr;
    for (const auto& [name, value] : response_.headers) {
        const bool is_coding = name == "transfer-encoding";
        if (!is_coding && name != "content-length") continue;
        const std::string*& known = is_coding ? coding : length;
        if (known != nullptr && (is_coding || *known != value)) {
            return fail_with(Errc::unavailable, "the answer has two headers " + name);
        }
        known = &value;
    }
    if (coding != nullptr && same_ignoring_case(*coding, "chunked")) {
        // Whoever sends both may have been led to by somebody else.
        if (length != nullptr || is_http_1_0_) keep_alive_ = false;
        chunks_.emplace(
            keeps_all() ? request_.body_bytes_max : std::numeric_limits<std::size_t>::max()
        );
        step_ = Step::chunks;
        return State::more;
    }
    if (coding != nullptr && !same_ignoring_case(*coding, "identity")) {
        return fail_with(
            Errc::unavailable, "the answer has another transfer encoding than chunked"
        );
    }
    if (length != nullptr) return read_length(*length);
    keep_alive_ = false;
    step_ = Step::to_end;
    return State::more;
}

ResponseReader::State ResponseReader::read_length(std::string_view digits) {
    if (digits.empty() || !std::ranges::all_of(digits, is_digit)) {
        return fail_with(Errc::unavailable, "the answer has a Content-Length that is no number");
    }
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), length_);
    if (read.ec != std::errc{}) {
        if (!request_.cuts_body) return end_too_large();
        length_ = std::numeric_limits<std::size_t>::max();
    }
    if (keeps_all() && length_ > request_.body_bytes_max) return end_too_large();
    length_left_ = length_;
    if (!streams()) response_.body.reserve(std::min(length_, reserved_bytes_max));
    step_ = Step::length;
    return length_ == 0 ? State::complete : State::more;
}

ResponseReader::State ResponseReader::feed_length(std::string_view& bytes) {
    const std::string_view piece = bytes.substr(0, length_left_);
    bytes.remove_prefix(piece.size());
    length_left_ -= piece.size();
    const State state = take_body(piece);
    return state == State::more && length_left_ == 0 ? State::complete : state;
}

ResponseReader::State ResponseReader::feed_chunks(std::string_view& bytes) {
    std::size_t used = 0;
    const auto decoded = chunks_->feed(bytes, decoded_, used);
    bytes.remove_prefix(used);
    if (!decoded_.empty()) {
        const State state = take_body(decoded_.view());
        decoded_.clear();
        if (state != State::more) return state;
    }
    switch (decoded) {
        case ChunkDecoder::State::more:
            return State::more;
        case ChunkDecoder::State::done:
            return State::complete;
        case ChunkDecoder::State::malformed:
            return fail_with(Errc::unavailable, "the answer has a malformed chunk");
        case ChunkDecoder::State::too_large:
            break;
    }
    return end_too_large();
}

ResponseReader::State ResponseReader::take_body(std::string_view piece) {
    if (streams()) {
        if (request_.on_body(piece)) return State::more;
        return fail_with(Errc::cancelled, "ended by the caller");
    }
    const std::size_t room = request_.body_bytes_max - response_.body.size();
    if (piece.size() > room && keeps_all()) return end_too_large();
    response_.body += piece.substr(0, room);
    return piece.size() > room ? end_too_large() : State::more;
}

/// Whether a body is no use without its end.
bool ResponseReader::keeps_all() const {
    return !streams() && !request_.cuts_body;
}

ResponseReader::State ResponseReader::end_too_large() {
    if (request_.cuts_body) {
        response_.is_cut = true;
        keep_alive_ = false;
        return State::complete;
    }
    return fail_with(
        Errc::limit_exceeded,
        "the answer has more than " + std::to_string(request_.body_bytes_max) + " bytes"
    );
}

ResponseReader::State ResponseReader::fail_with(Errc code, std::string text) {
    error_.emplace(code, std::move(text));
    keep_alive_ = false;
    return State::failed;
}

bool ResponseReader::streams() const {
    return request_.on_body && response_.status / 100 == 2;
}

}  // namespace tranter::http
