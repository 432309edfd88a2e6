#include "sqs/text_rules.hpp"

#include "base/byte_scan.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace tranter::sqs {

namespace {

constexpr std::string_view fifo_suffix = ".fifo";

bool is_label_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

}  // namespace

bool is_message_text(std::string_view text) {
    const auto needs_a_look = [](Bytes16 bytes) {
        return (bytes < each_of_16(0x20)) | (bytes >= each_of_16(0x80));
    };
    std::size_t i = 0;
    std::size_t block_end = 0;  // of the block with something to look at
    while (i < text.size()) {
        if (i >= block_end) {
            i += bytes_before(text.substr(i), needs_a_look);
            block_end = i + sizeof(Bytes16);
            if (i == text.size()) break;
        }
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
        if (byte == 0xEF) {
            // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
            const std::string_view rest = text.substr(i, 3);
            if (rest == "\xEF\xBF\xBE" || rest == "\xEF\xBF\xBF") return false;
        }
        ++i;
    }
    return true;
}

bool is_opaque_id(std::string_view text) {
    return !text.empty() && text.size() <= 128 &&
           std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

bool is_label(std::string_view text, std::size_t max) {
    return !text.empty() && text.size() <= max && std::ranges::all_of(text, is_label_character);
}

bool is_queue_name(std::string_view name, std::size_t max) {
    if (name.size() > max) return false;
    if (is_fifo_name(name)) name.remove_suffix(fifo_suffix.size());
    return is_label(name, max);
}

bool is_fifo_name(std::string_view name) {
    return name.ends_with(fifo_suffix);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
    return number;
}

std::string_view shortened(std::string_view utf8, std::size_t max) {
    if (utf8.size() <= max) return utf8;
    while (max > 0 && (static_cast<unsigned char>(utf8[max]) & 0xC0) == 0x80)
        --max;
    return utf8.substr(0, max);
}

}  // namespace tranter::sqs
