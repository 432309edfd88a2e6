#pragma once

#include "http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tranter::http {

/// A request line and its header lines. All views point into the bytes that were read.
struct Head {
    std::string_view method;
    std::string_view target;
    int version = 11;
    bool connection_close = false;
    bool connection_keep_alive = false;
    std::vector<Header> headers;

    // What the server itself looks at: indices into headers, -1 for absent, the last one counts.
    int host = -1;
    int origin = -1;
    int fetch_site = -1;
    int expect = -1;
    int content_length = -1;
    int transfer_encoding = -1;
    int hosts = 0;
    int content_lengths = 0;
    int transfer_encodings = 0;

    /// Forgets everything but keeps the memory of `headers`.
    void clear();

    std::string_view value(int index) const {
        return index < 0 ? std::string_view{} : headers[static_cast<std::size_t>(index)].value;
    }
};

enum class HeadState : std::uint8_t { more, done, malformed, other_version, too_many_lines };

/// Reads a header block from whole lines: `lines` ends with LF or is empty. Sets `used` to the
/// size of the block when it is complete.
///
/// Every line ends with CRLF, names are tokens directly followed by a colon, values hold no
/// control characters but tabs, and lines are not folded. Beast's parser would do, and the fuzz
/// target compares with it, but it took more than half of all instructions of a small request: it
/// looks at one byte at a time and looks every name up in a table of 350.
HeadState read_head(std::string_view lines, std::size_t lines_max, Head& head, std::size_t& used);

}  // namespace tranter::http
