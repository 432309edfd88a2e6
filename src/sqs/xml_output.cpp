#include "sqs/output.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace tranter::sqs {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
/// First byte of U+FFFE and U+FFFF, among others.
constexpr char last_of_the_plane = '\xEF';

constexpr std::array<bool, 256> make_special() {
    std::array<bool, 256> special{};
    for (std::size_t i = 0; i < 0x20; ++i)
        special[i] = i != '\n' && i != '\t';
    for (const char c : {'&', '<', '>', '"', last_of_the_plane}) {
        special[static_cast<unsigned char>(c)] = true;
    }
    return special;
}
constexpr std::array<bool, 256> special = make_special();

/// What stands for the character at the front of `text`, and how many bytes that is.
std::pair<std::string_view, std::size_t> escape(std::string_view text) {
    switch (text.front()) {
        case '&':
            return {"&amp;", 1};
        case '<':
            return {"&lt;", 1};
        case '>':
            return {"&gt;", 1};
        case '"':
            return {"&quot;", 1};
        case '\r':
            return {"&#13;", 1};
        case last_of_the_plane:
            if (text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF")) {
                return {replacement, 3};
            }
            return {text.substr(0, 1), 1};
        default:
            return {replacement, 1};
    }
}

}  // namespace

void append_xml_escaped(std::string& out, std::string_view text) {
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (!special[static_cast<unsigned char>(text[i])]) {
            ++i;
            continue;
        }
        out.append(text.data() + plain, i - plain);
        const auto [escaped, bytes] = escape(text.substr(i));
        out += escaped;
        i += bytes;
        plain = i;
    }
    out.append(text.data() + plain, text.size() - plain);
}

XmlOutput::XmlOutput(std::string_view action, bool has_result)
    : action_(action), has_result_(has_result) {
    buffer += "<?xml version=\"1.0\"?>\n<";
    buffer += action_;
    buffer += "Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">";
    if (has_result_) {
        buffer += '<';
        buffer += action_;
        buffer += "Result>";
    }
}

void XmlOutput::open(std::string_view name) {
    buffer += '<';
    buffer += name;
    buffer += '>';
}

void XmlOutput::close(std::string_view name) {
    buffer += "</";
    buffer += name;
    buffer += '>';
}

void XmlOutput::text(std::string_view name, std::string_view value) {
    open(name);
    append_xml_escaped(buffer, value);
    close(name);
}

void XmlOutput::number(std::string_view name, std::uint64_t value) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    open(name);
    buffer.append(digits.data(), end);
    close(name);
}

void XmlOutput::flag(std::string_view name, bool value) {
    open(name);
    buffer += value ? "true" : "false";
    close(name);
}

std::string& XmlOutput::begin_token(std::string_view name) {
    open(name);
    return buffer;
}

void XmlOutput::end_token(std::string_view name) {
    close(name);
}

void XmlOutput::element(const OutputList& list, std::string_view value) {
    text(list.xml, value);
}

void XmlOutput::begin_object(const OutputList& list) {
    open(list.xml);
}

void XmlOutput::end_object(const OutputList& list) {
    close(list.xml);
}

void XmlOutput::entry(const OutputMap& map, std::string_view key, std::string_view value) {
    open(map.xml);
    text(map.key, key);
    text(map.value, value);
    close(map.xml);
}

void XmlOutput::begin_entry(const OutputMap& map, std::string_view key) {
    open(map.xml);
    text(map.key, key);
    open(map.value);
}

void XmlOutput::end_entry(const OutputMap& map) {
    close(map.value);
    close(map.xml);
}

std::string XmlOutput::finish(std::string_view request_id) && {
    if (has_result_) {
        buffer += "</";
        buffer += action_;
        buffer += "Result>";
    }
    buffer += "<ResponseMetadata><RequestId>";
    buffer += request_id;
    buffer += "</RequestId></ResponseMetadata></";
    buffer += action_;
    buffer += "Response>\n";
    return std::move(buffer);
}

}  // namespace tranter::sqs
