#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tranter::http {

/// Readable bytes that follow every request body, so that a SIMD JSON parser can read in place.
inline constexpr std::size_t body_padding_bytes = 64;

struct Header {
    std::string_view name;   // as received, any case
    std::string_view value;  // without surrounding white space
};

/// One request. Every view is valid only until the handler returns: whoever answers later copies
/// what it needs (this is what keeps ten thousand idle long polls small).
struct Request {
    std::string_view method{};
    std::string_view target{};  // as received: path and query, origin form
    std::string_view path{};    // not percent-decoded
    std::string_view query{};   // without '?', not percent-decoded
    std::string_view body{};    // followed by body_padding_bytes readable bytes
    std::span<const Header> headers{};
    std::string_view peer{};  // textual address of the client, without port

    /// The first header of that name (ASCII case does not matter), or nothing.
    std::optional<std::string_view> header(std::string_view name) const;
    /// How many headers have that name.
    std::size_t count(std::string_view name) const;
};

/// An answer. The server adds Date, Content-Length, Connection and the security headers.
struct Response {
    int status = 200;
    std::string_view content_type{};  // static storage; empty: no Content-Type
    std::string headers{};            // further complete lines, each ended by CRLF
    std::string body{};
    bool close = false;  // close the connection after this answer
};

}  // namespace tranter::http
