#pragma once

#include "base/error.hpp"
#include "http/byte_buffer.hpp"
#include "http/chunk_decoder.hpp"
#include "http/client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::http {

/// Turns bytes into the answer to one request, one line after the other, so how they were split on
/// their way never matters.
///
/// Interim answers (1xx) are read and dropped. A lone LF ends a line as well, and folded headers
/// are joined, since a client has to take what servers send (RFC 9112 2.2 and 5.2); but what could
/// be read in two ways is `unavailable`: two lengths, a length that is no number, an unknown
/// transfer coding, control characters, a name with a space behind it.
class ResponseReader {
  public:
    enum class State : std::uint8_t {
        more,
        complete,  // take() has the answer
        failed,    // error() says why
    };

    /// The request outlives the reader. Its `on_body` is called from feed().
    explicit ResponseReader(const ClientRequest& request);

    /// Not after `complete` or `failed`. What follows the answer is not looked at: keep_alive() is
    /// false then.
    State feed(std::string_view bytes);
    /// The server has closed: the end of a body that has no other, or too early.
    State finish();

    /// A byte was read.
    bool started() const { return started_; }
    /// Another request may be sent over the connection.
    bool keep_alive() const { return keep_alive_; }

    ClientResponse take() { return std::move(response_); }
    const Error& error() const { return *error_; }

  private:
    enum class Step : std::uint8_t { status_line, header, length, chunks, to_end };

    State feed_head(std::string_view& bytes);
    State take_line(std::string_view line);
    State take_status_line(std::string_view line);
    State take_header(std::string_view line);
    State end_head();
    State choose_framing();
    State read_length(std::string_view digits);
    State feed_length(std::string_view& bytes);
    State feed_chunks(std::string_view& bytes);
    State take_body(std::string_view piece);
    bool keeps_all() const;
    State end_too_large();
    State fail_with(Errc code, std::string text);
    bool streams() const;

    const ClientRequest& request_;
    ClientResponse response_{};
    std::optional<Error> error_{};
    Step step_ = Step::status_line;
    bool started_ = false;
    bool keep_alive_ = false;
    bool is_http_1_0_ = false;

    std::string line_{};  // that has not ended yet
    std::size_t header_bytes_ = 0;

    std::size_t length_ = 0;
    std::size_t length_left_ = 0;
    std::optional<ChunkDecoder> chunks_{};
    ByteBuffer decoded_{};
};

}  // namespace tranter::http
