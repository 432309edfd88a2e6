#include "http/head_reader.hpp"

#include "base/byte_scan.hpp"
#include "http/text.hpp"

#include <algorithm>
#include <cstring>

namespace tranter::http {
namespace {

/// The first byte that cannot be part of a value. There is one: the line feed before `end`.
const char* find_value_end(const char* at, const char* end) {
    for (;; ++at) {
        at += bytes_before({at, end}, [](Bytes16 bytes) {
            return (bytes < each_of_16(0x20)) | (bytes == each_of_16(0x7f));
        });
        if (is_control(*at)) return at;
    }
}

/// Most names consist of letters, digits and dashes; is_token_char() is for the others.
const char* find_name_end(const char* at, const char* end) {
    at += bytes_before({at, end}, [](Bytes16 bytes) {
        const auto letter = (bytes | each_of_16(0x20)) - each_of_16('a') < each_of_16(26);
        const auto digit = bytes - each_of_16('0') < each_of_16(10);
        return ~(letter | digit | (bytes == each_of_16('-')));
    });
    while (is_token_char(*at))
        ++at;
    return at;
}

/// False when something in the list is not a token.
bool read_connection(std::string_view list, Head& head) {
    bool good = true;
    for_each_in_list(list, [&](std::string_view option) {
        good = good && std::ranges::all_of(option, is_token_char);
        if (same_ignoring_case(option, "close")) head.connection_close = true;
        if (same_ignoring_case(option, "keep-alive")) head.connection_keep_alive = true;
    });
    return good;
}

/// Remembers where the headers are that the server itself needs. False for a malformed one.
bool note(const Header& header, int index, Head& head) {
    const auto is = [&header](std::string_view name) {
        return same_ignoring_case(header.name, name);
    };
    switch (header.name.size()) {
        case 4:
            if (is("host")) {
                head.host = index;
                ++head.hosts;
            }
            break;
        case 6:
            if (is("origin")) head.origin = index;
            if (is("expect")) head.expect = index;
            break;
        case 10:
            if (is("connection")) return read_connection(header.value, head);
            break;
        case 14:
            if (is("sec-fetch-site")) head.fetch_site = index;
            if (is("content-length")) {
                head.content_length = index;
                ++head.content_lengths;
            }
            break;
        case 17:
            if (is("transfer-encoding")) {
                head.transfer_encoding = index;
                ++head.transfer_encodings;
            }
            break;
        default:
            break;
    }
    return true;
}

/// Moves `at` behind the line. Only whole lines get here, so every search ends in time.
HeadState read_request_line(const char*& at, const char* end, Head& head) {
    const char* const line_end =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    std::string_view line(at, static_cast<std::size_t>(line_end - at));
    if (!line.ends_with('\r')) return HeadState::malformed;
    line.remove_suffix(1);
    at = line_end + 1;

    const std::size_t method_end = line.find(' ');
    if (method_end == std::string_view::npos) return HeadState::malformed;
    head.method = line.substr(0, method_end);
    const std::size_t target_end = line.find(' ', method_end + 1);
    if (target_end == std::string_view::npos) return HeadState::malformed;
    head.target = line.substr(method_end + 1, target_end - method_end - 1);
    const bool has_names = !head.method.empty() && std::ranges::all_of(head.method, is_token_char);
    if (!has_names || head.target.empty()) return HeadState::malformed;
    if (find_value_end(head.target.data(), end) < head.target.end()) return HeadState::malformed;

    const std::string_view version = line.substr(target_end + 1);
    const bool some_version = version.size() == 8 && version.starts_with("HTTP/") &&
                              is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
    if (!some_version) return HeadState::malformed;
    if (version[5] != '1' || version[7] > '1') return HeadState::other_version;
    head.version = 10 + (version[7] - '0');
    return HeadState::done;
}

HeadState read_field(const char*& at, const char* end, Head& head) {
    const char* const name = at;
    at = find_name_end(at, end);
    if (at == name || *at != ':') return HeadState::malformed;
    const std::string_view name_text(name, static_cast<std::size_t>(at - name));
    ++at;
    const char* const value_end = find_value_end(at, end);
    if (value_end[0] != '\r' || value_end + 1 == end || value_end[1] != '\n') {
        return HeadState::malformed;
    }
    const std::string_view value(at, static_cast<std::size_t>(value_end - at));
    head.headers.push_back({name_text, trim(value)});
    at = value_end + 2;
    const int index = static_cast<int>(head.headers.size()) - 1;
    return note(head.headers.back(), index, head) ? HeadState::done : HeadState::malformed;
}

}  // namespace

void Head::clear() {
    auto kept = std::move(headers);
    kept.clear();
    *this = Head{};
    headers = std::move(kept);
}

HeadState read_head(std::string_view lines, std::size_t lines_max, Head& head, std::size_t& used) {
    head.clear();
    if (lines.empty()) return HeadState::more;
    const char* at = lines.data();
    const char* const end = at + lines.size();
    HeadState state = read_request_line(at, end, head);
    while (state == HeadState::done && at != end) {
        if (*at == '\r') {
            if (at[1] != '\n') return HeadState::malformed;
            used = static_cast<std::size_t>(at + 2 - lines.data());
            return HeadState::done;
        }
        if (head.headers.size() >= lines_max) return HeadState::too_many_lines;
        state = read_field(at, end, head);
    }
    return state == HeadState::done ? HeadState::more : state;
}

}  // namespace tranter::http
