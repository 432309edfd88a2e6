#include "jobs/json_text.hpp"

#include "base/unicode.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace tranter::jobs {

namespace {

unsigned code_unit(std::string_view digits) {
    unsigned unit = 0;
    std::from_chars(digits.data(), digits.data() + 4, unit, 16);
    return unit;
}

char escaped_letter(char letter) {
    switch (letter) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return letter;
    }
}

}  // namespace

void unescape(std::string& out, std::string_view inside) {
    out.clear();
    for (std::size_t i = 0; i < inside.size();) {
        const std::size_t plain = std::min(inside.find('\\', i), inside.size());
        out.append(inside, i, plain - i);
        if (plain == inside.size()) return;
        i = plain + 2;
        if (inside[plain + 1] != 'u') {
            out += escaped_letter(inside[plain + 1]);
            continue;
        }
        unsigned point = code_unit(inside.substr(i));
        i += 4;
        if (is_high_surrogate(point)) {
            const unsigned low = code_unit(inside.substr(i + 2));
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            i += 6;
        }
        append_utf8(out, point);
    }
}

std::string without_blanks(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (!in_string && is_blank(c)) continue;
        out += c;
        if (c == '"') in_string = !in_string;
        if (c == '\\') out += json[++i];
    }
    return out;
}

}  // namespace tranter::jobs
