#pragma once

#include "http/message.hpp"

#include <array>
#include <ctime>
#include <string>
#include <string_view>

namespace tranter::http {

/// The Date header line, formatted once per second. One per I/O thread.
class DateLine {
  public:
    std::string_view get();

  private:
    std::time_t second_ = 0;
    std::array<char, 40> text_{};
    std::size_t size_ = 0;
};

/// "Not Found" for 404; "Unknown" for a status without a name.
std::string_view reason_phrase(int status);

/// 1xx, 204 and 304 never have a body.
bool has_body(int status);

struct HeadFacts {
    std::string_view date_line;
    std::string_view extra_headers{};  // complete lines
    bool close = false;
    bool http_1_0 = false;  // keeping the connection open has to be said
    bool endless = false;   // the body comes in pieces
};

/// Appends status line and headers with the empty line.
void append_head(std::string& out, const Response& response, const HeadFacts& facts);

/// A short plain text answer that closes the connection.
Response error_response(int status, std::string_view text);

}  // namespace tranter::http
