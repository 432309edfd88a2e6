#include "jobs/json_cursor.hpp"

#include "base/encoding.hpp"
#include "jobs/json_text.hpp"
#include "jobs/payload_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::jobs {

namespace {

constexpr std::size_t shown_bytes_max = 64;  // of an offending value

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

bool JsonCursor::fail(std::string_view problem) {
    if (!error_) {
        error_.emplace(Errc::invalid_argument, fmt::format("{}: {}", path_.text(), problem));
    }
    return false;
}

bool JsonCursor::not_json(std::string_view why) {
    return fail(fmt::format("not JSON at byte {}: {}", at_, why));
}

bool JsonCursor::refuse(std::string_view expected, std::string_view advice) {
    return fail(fmt::format("{}, got {}{}", expected, shortened(token_, shown_bytes_max), advice));
}

bool JsonCursor::refuse_next(std::string_view expected) {
    switch (kind()) {
        case JsonKind::array:
            return fail(fmt::format("{}, got an array", expected));
        case JsonKind::object:
            return fail(fmt::format("{}, got an object", expected));
        default:
            return take_scalar() && refuse(expected);
    }
}

bool JsonCursor::begin() {
    if (is_valid_utf8(text_)) return true;
    return fail("not JSON: it is not UTF-8");
}

bool JsonCursor::end() {
    skip_blanks();
    return at_ == text_.size() || not_json("something follows the value");
}

void JsonCursor::skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
        ++at_;
}

JsonKind JsonCursor::kind() {
    skip_blanks();
    if (at_ == text_.size()) return JsonKind::nothing;
    switch (text_[at_]) {
        case 'n':
            return JsonKind::null;
        case 't':
        case 'f':
            return JsonKind::boolean;
        case '"':
            return JsonKind::text;
        case '[':
            return JsonKind::array;
        case '{':
            return JsonKind::object;
        default:
            return text_[at_] == '-' || is_digit(text_[at_]) ? JsonKind::number : JsonKind::nothing;
    }
}

bool JsonCursor::take(JsonKind wanted, std::string_view expected) {
    return kind() == wanted ? take_scalar() : refuse_next(expected);
}

bool JsonCursor::take_scalar() {
    const JsonKind found = kind();
    const std::size_t begin = at_;
    bool scanned = false;
    switch (found) {
        case JsonKind::null:
            scanned = scan_word("null");
            break;
        case JsonKind::boolean:
            scanned = scan_word(text_[at_] == 't' ? "true" : "false");
            break;
        case JsonKind::number:
            scanned = scan_number();
            break;
        case JsonKind::text:
            scanned = scan_string();
            break;
        default:
            return not_json(at_ == text_.size() ? "it ends where a value should be" : "no value");
    }
    token_ = text_.substr(begin, at_ - begin);
    return scanned;
}

bool JsonCursor::scan_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return not_json("no value");
    at_ += word.size();
    return true;
}

bool JsonCursor::scan_digits() {
    if (at_ == text_.size() || !is_digit(text_[at_])) return not_json("a digit is missing");
    while (at_ < text_.size() && is_digit(text_[at_]))
        ++at_;
    return true;
}

bool JsonCursor::scan_number() {
    if (next_is('-')) ++at_;
    const bool zero = next_is('0');
    const std::size_t begin = at_;
    if (!scan_digits()) return false;
    if (zero && at_ - begin > 1) return not_json("a number begins with 0");
    if (next_is('.')) {
        ++at_;
        if (!scan_digits()) return false;
    }
    if (next_is('e') || next_is('E')) {
        ++at_;
        if (next_is('+') || next_is('-')) ++at_;
        return scan_digits();
    }
    return true;
}

bool JsonCursor::scan_string() {
    ++at_;
    escaped_ = false;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            return true;
        }
        if (static_cast<unsigned char>(c) < 0x20) {
            return not_json("a control character in a string");
        }
        ++at_;
        if (c != '\\') continue;
        escaped_ = true;
        if (!scan_escape()) return false;
    }
    return not_json("a string without an end");
}

bool JsonCursor::scan_escape() {
    constexpr std::string_view letters = "\"\\/bfnrt";
    if (at_ == text_.size()) return not_json("a string without an end");
    const char letter = text_[at_++];
    if (letters.find(letter) != std::string_view::npos) return true;
    if (letter != 'u') return not_json("an unknown escape in a string");
    const auto unit = scan_code_unit();
    if (!unit) return false;
    if (*unit < 0xD800 || *unit > 0xDFFF) return true;
    if (is_high_surrogate(*unit) && text_.substr(at_).starts_with("\\u")) {
        at_ += 2;
        const auto low = scan_code_unit();
        if (!low) return false;
        if (*low >= 0xDC00 && *low <= 0xDFFF) return true;
    }
    return not_json("half of a surrogate pair in a string");
}

std::optional<unsigned> JsonCursor::scan_code_unit() {
    unsigned unit = 0;
    const char* begin = text_.data() + at_;
    const char* end = begin + std::min<std::size_t>(4, text_.size() - at_);
    if (std::from_chars(begin, end, unit, 16).ptr != begin + 4) {
        not_json("no four hexadecimal digits after \\u");
        return std::nullopt;
    }
    at_ += 4;
    return unit;
}

bool JsonCursor::take_text(std::string_view& out, std::string_view expected) {
    if (!take(JsonKind::text, expected)) return false;
    out = token_.substr(1, token_.size() - 2);
    if (escaped_) {
        unescape(unescaped_, out);
        out = unescaped_;
    }
    return true;
}

bool JsonCursor::take_any(std::string_view& out, unsigned& depth) {
    skip_blanks();
    const std::size_t begin = at_;
    deepest_ = depth_;
    const std::size_t elements_max = std::exchange(elements_max_, 0);  // nothing is kept of it
    if (!skip()) return false;
    elements_max_ = elements_max;
    out = text_.substr(begin, at_ - begin);
    depth = deepest_ - depth_;
    return true;
}

bool JsonCursor::skip() {
    switch (kind()) {
        case JsonKind::array:
            return elements(nullptr, this, [](void* self, std::size_t) {
                return static_cast<JsonCursor*>(self)->skip();
            });
        case JsonKind::object:
            return members(this, [](void* self, std::string_view) {
                return static_cast<JsonCursor*>(self)->skip();
            });
        default:
            return take_scalar();
    }
}

bool JsonCursor::enter(std::string_view expected, JsonKind wanted) {
    if (kind() != wanted) return refuse_next(expected);
    if (depth_ == depth_max_) return fail(too_deep());
    ++at_;
    ++depth_;
    deepest_ = std::max(deepest_, depth_);
    skip_blanks();
    return true;
}

bool JsonCursor::take_char(char c, std::string_view missing) {
    skip_blanks();
    if (!next_is(c)) return not_json(missing);
    ++at_;
    return true;
}

bool JsonCursor::take_key(std::string_view& key) {
    skip_blanks();
    if (!next_is('"')) return not_json("a key is missing");
    if (!take_scalar()) return false;
    key = token_.substr(1, token_.size() - 2);
    if (!escaped_) return true;
    unescape(unescaped_keys_.emplace_back(), key);
    key = unescaped_keys_.back();
    return true;
}

bool JsonCursor::members(void* call, EachMember each) {
    if (!enter("expected an object", JsonKind::object)) return false;
    const std::size_t first_key = keys_.size();
    const std::size_t first_unescaped = unescaped_keys_.size();
    bool more = !next_is('}');
    while (more) {
        std::string_view key;
        if (!take_key(key) || !take_char(':', "a colon is missing")) return false;
        keys_.push_back(key);
        path_.push(key);
        if (!each(call, key)) return false;
        path_.pop();
        skip_blanks();
        more = next_is(',');
        if (more) ++at_;
    }
    if (!take_char('}', "a comma or } is missing")) return false;
    --depth_;
    if (!check_distinct(first_key)) return false;
    unescaped_keys_.resize(first_unescaped);
    return true;
}

bool JsonCursor::elements(const std::size_t* count, void* call, EachElement each) {
    const std::string expected =
        count == nullptr ? "expected an array" : fmt::format("expected an array of {}", *count);
    if (!enter(expected, JsonKind::array)) return false;
    std::size_t index = 0;
    bool more = !next_is(']');
    while (more) {
        if (count != nullptr && index == *count) return fail(expected + ", got more");
        if (elements_max_ != 0 && index == elements_max_) {
            return fail(fmt::format("has more than {} elements", elements_max_));
        }
        path_.push(index);
        if (!each(call, index)) return false;
        path_.pop();
        ++index;
        skip_blanks();
        more = next_is(',');
        if (more) ++at_;
    }
    if (!take_char(']', "a comma or ] is missing")) return false;
    --depth_;
    if (count == nullptr || index == *count) return true;
    return fail(fmt::format("{}, got {}", expected, index));
}

bool JsonCursor::check_distinct(std::size_t first_key) {
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_key);
    std::sort(begin, keys_.end());
    const auto repeated = std::adjacent_find(begin, keys_.end());
    if (repeated != keys_.end()) {
        path_.push(*repeated);
        return fail("is there twice");
    }
    keys_.erase(begin, keys_.end());
    return true;
}

}  // namespace tranter::jobs
