#include "http/chunk_decoder.hpp"

#include "base/encoding.hpp"
#include "http/text.hpp"

#include <algorithm>

namespace tranter::http {
namespace {

constexpr std::size_t extension_bytes_max = 256;
constexpr std::size_t trailer_bytes_max = 4096;
// 2^48 is beyond every body limit, and sixteen times it does not overflow.
constexpr std::uint64_t chunk_bytes_max = std::uint64_t{1} << 48;

}  // namespace

ChunkDecoder::State ChunkDecoder::feed(
    std::string_view bytes, ByteBuffer& body, std::size_t& used
) {
    used = 0;
    while (used < bytes.size()) {
        if (step_ == Step::data) {
            const auto part = std::min<std::uint64_t>(chunk_left_, bytes.size() - used);
            body.append(bytes.substr(used, static_cast<std::size_t>(part)));
            used += static_cast<std::size_t>(part);
            chunk_left_ -= part;
            if (chunk_left_ == 0) step_ = Step::data_cr;
            continue;
        }
        const State state = step(bytes[used++]);
        if (state != State::more) return state;
    }
    return State::more;
}

ChunkDecoder::State ChunkDecoder::step(char c) {
    switch (step_) {
        case Step::size_first:
            chunk_left_ = 0;
            line_bytes_ = 0;
            if (hex_digit(c) < 0) return State::malformed;
            step_ = Step::size;
            return size_digit(c);
        case Step::size:
            return size_digit(c);
        case Step::extension:
            return in_line(c, extension_bytes_max, Step::size_lf);
        case Step::size_lf:
            if (c != '\n') return State::malformed;
            line_bytes_ = 0;
            step_ = chunk_left_ == 0 ? Step::trailer_first : Step::data;
            if (chunk_left_ > body_bytes_max_ - body_bytes_) return State::too_large;
            body_bytes_ += static_cast<std::size_t>(chunk_left_);
            return State::more;
        case Step::data_cr:
            step_ = Step::data_lf;
            return c == '\r' ? State::more : State::malformed;
        case Step::data_lf:
            step_ = Step::size_first;
            return c == '\n' ? State::more : State::malformed;
        case Step::trailer_first:
            step_ = c == '\r' ? Step::end_lf : Step::trailer;
            if (c == '\r') return State::more;
            line_bytes_ += 3;  // this character and the line end
            return is_token_char(c) ? State::more : State::malformed;
        case Step::trailer:
            return in_line(c, trailer_bytes_max, Step::trailer_lf);
        case Step::trailer_lf:
            step_ = Step::trailer_first;
            return c == '\n' ? State::more : State::malformed;
        case Step::end_lf:
            return c == '\n' ? State::done : State::malformed;
        case Step::data:
            break;
    }
    return State::malformed;
}

ChunkDecoder::State ChunkDecoder::size_digit(char c) {
    const int digit = hex_digit(c);
    if (digit >= 0) {
        if (++line_bytes_ > 16) return State::malformed;  // more digits than a size can have
        chunk_left_ = chunk_left_ * 16 + static_cast<std::uint64_t>(digit);
        return chunk_left_ > chunk_bytes_max ? State::too_large : State::more;
    }
    line_bytes_ = 0;
    if (c == '\r')
        step_ = Step::size_lf;
    else if (c == ';' || c == ' ' || c == '\t')
        step_ = Step::extension;
    else
        return State::malformed;
    return State::more;
}

ChunkDecoder::State ChunkDecoder::in_line(char c, std::size_t bytes_max, Step at_cr) {
    if (c == '\r') {
        step_ = at_cr;
        return State::more;
    }
    if (is_control(c) || ++line_bytes_ > bytes_max) return State::malformed;
    return State::more;
}

}  // namespace tranter::http
