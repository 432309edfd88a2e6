#include "http/response_writer.hpp"

#include <charconv>
#include <cstdio>

namespace tranter::http {
namespace {

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
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "Unknown";
    }
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
    if (has_body(response.status)) {
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
