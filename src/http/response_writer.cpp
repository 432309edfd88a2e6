#include "http/response_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace tranter::http {
namespace {

struct Reason {
    int status;
    std::string_view phrase;
};

constexpr auto reasons = std::to_array<Reason>({
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

void append_number(std::string& out, std::size_t number) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_status_line(std::string& out, int status) {
    if (status == 200) {
        out.append("HTTP/1.1 200 OK\r\n");
        return;
    }
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::size_t>(status));
    out.append(" ").append(reason_phrase(status)).append("\r\n");
}

}  // namespace

std::string_view DateLine::get() {
    const std::time_t now = std::time(nullptr);
    if (now != second_) {
        second_ = now;
        std::tm utc{};
        gmtime_r(&now, &utc);
        // Not strftime: day and month names must not follow the locale.
        constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        constexpr const char* months[] = {
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        size_ = static_cast<std::size_t>(std::snprintf(
            text_.data(),
            text_.size(),
            "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n",
            days[utc.tm_wday],
            static_cast<unsigned>(utc.tm_mday) % 100,
            months[utc.tm_mon],
            static_cast<unsigned>(utc.tm_year + 1900) % 10000,
            static_cast<unsigned>(utc.tm_hour) % 100,
            static_cast<unsigned>(utc.tm_min) % 100,
            static_cast<unsigned>(utc.tm_sec) % 100
        ));
    }
    return {text_.data(), size_};
}

std::string_view reason_phrase(int status) {
    const auto found = std::ranges::find(reasons, status, &Reason::status);
    return found == reasons.end() ? "Unknown" : found->phrase;
}

bool has_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

void append_head(std::string& out, const Response& response, const HeadFacts& facts) {
    append_status_line(out, response.status);
    out.append(facts.date_line);
    if (!response.content_type.empty()) {
        out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    out.append(response.headers).append(facts.extra_headers);
    if (facts.endless) {
        if (!facts.http_1_0) out.append("Transfer-Encoding: chunked\r\n");
    } else if (has_body(response.status)) {
        out.append("Content-Length: ");
        append_number(out, response.body.size());
        out.append("\r\n");
    }
    if (facts.close)
        out.append("Connection: close\r\n");
    else if (facts.http_1_0)
        out.append("Connection: keep-alive\r\n");
    out.append("X-Content-Type-Options: nosniff\r\n\r\n");
}

Response error_response(int status, std::string_view text) {
    Response response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body.append(text).append("\n");
    response.close = true;
    return response;
}

}  // namespace tranter::http
