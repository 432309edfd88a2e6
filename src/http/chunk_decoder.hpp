#pragma once

#include "http/byte_buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tranter::http {

/// Takes the chunked coding off a request body, one byte after the other, so how the bytes were
/// split on their way never matters. Stricter than Beast's: every line ends with CRLF, extensions
/// and trailers are bounded, and a wrong byte is refused when it is seen and not when the line is
/// complete. Extensions and trailers are dropped.
class ChunkDecoder {
  public:
    enum class State : std::uint8_t { more, done, malformed, too_large };

    explicit ChunkDecoder(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

    /// Appends decoded bytes to `body`. Sets `used` to what was taken from `bytes`: all of them,
    /// except after `done`.
    State feed(std::string_view bytes, ByteBuffer& body, std::size_t& used);

  private:
    enum class Step : std::uint8_t {
        size_first,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_first,
        trailer,
        trailer_lf,
        end_lf,
    };

    State step(char c);
    State size_digit(char c);
    State in_line(char c, std::size_t bytes_max, Step at_cr);

    std::size_t body_bytes_max_;
    std::size_t body_bytes_ = 0;
    std::uint64_t chunk_left_ = 0;
    std::size_t line_bytes_ = 0;  // of this extension, or of all trailers
    Step step_ = Step::size_first;
};

}  // namespace tranter::http
