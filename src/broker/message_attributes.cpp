#include "broker/message_attributes.hpp"

#include <vector>

namespace tranter::broker {
namespace {

void append_big_endian(std::string& out, std::size_t value) {
    for (const int shift : {24, 16, 8, 0})
        out += static_cast<char>(value >> shift & 255);
}

template <class T>
void append_little_endian(std::string& out, std::size_t value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        out += static_cast<char>(value >> (8 * i) & 255);
}

template <class T>
std::size_t read_little_endian(const char* at) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value |= std::size_t{static_cast<unsigned char>(at[i])} << (8 * i);
    }
    return value;
}

constexpr std::size_t header_bytes = 20;
constexpr std::size_t entry_header_bytes = 9;

}  // namespace

Md5Digest attributes_md5(std::span<const MessageAttribute> attributes) {
    thread_local std::string buffer;
    buffer.clear();
    for (const MessageAttribute& attribute : attributes) {
        append_big_endian(buffer, attribute.name.size());
        buffer += attribute.name;
        append_big_endian(buffer, attribute.type.size());
        buffer += attribute.type;
        buffer += attribute.binary ? '\2' : '\1';
        append_big_endian(buffer, attribute.value.size());
        buffer += attribute.value;
    }
    const Md5Digest digest = md5(buffer);
    constexpr std::size_t kept_bytes_max = 64 * 1024;
    if (buffer.capacity() > kept_bytes_max) std::string().swap(buffer);
    return digest;
}

EncodedAttributes::EncodedAttributes(std::string_view text) {
    if (text.size() < header_bytes) return;
    md5_ = {reinterpret_cast<const std::uint8_t*>(text.data()), 16};
    count_ = read_little_endian<std::uint32_t>(text.data() + 16);
    rest_ = text.substr(header_bytes);
}

std::optional<MessageAttribute> EncodedAttributes::next() {
    if (rest_.size() < entry_header_bytes) return std::nullopt;
    const std::size_t name = read_little_endian<std::uint16_t>(rest_.data());
    const std::size_t type = read_little_endian<std::uint16_t>(rest_.data() + 2);
    const std::size_t value = read_little_endian<std::uint32_t>(rest_.data() + 5);
    const std::size_t bytes = entry_header_bytes + name + type + value;
    if (rest_.size() < bytes) return std::nullopt;
    const MessageAttribute attribute{
        .name = rest_.substr(entry_header_bytes, name),
        .type = rest_.substr(entry_header_bytes + name, type),
        .value = rest_.substr(entry_header_bytes + name + type, value),
        .binary = rest_[4] != 0,
    };
    rest_.remove_prefix(bytes);
    return attribute;
}

void EncodedAttributes::encode(
    std::span<const MessageAttribute> attributes, const Md5Digest& digest, std::string& out
) {
    out.append(reinterpret_cast<const char*>(digest.data()), digest.size());
    append_little_endian<std::uint32_t>(out, attributes.size());
    for (const MessageAttribute& attribute : attributes) {
        append_little_endian<std::uint16_t>(out, attribute.name.size());
        append_little_endian<std::uint16_t>(out, attribute.type.size());
        out += attribute.binary ? '\1' : '\0';
        append_little_endian<std::uint32_t>(out, attribute.value.size());
        out += attribute.name;
        out += attribute.type;
        out += attribute.value;
    }
}

std::optional<MessageAttribute> find_attribute(std::string_view encoded, std::string_view name) {
    EncodedAttributes attributes(encoded);
    while (auto attribute = attributes.next()) {
        if (attribute->name == name) return attribute;
    }
    return std::nullopt;
}

void encode_strings(std::span<const StringAttribute> attributes, std::string& out) {
    thread_local std::vector<MessageAttribute> typed;
    typed.clear();
    for (const StringAttribute& attribute : attributes)
        typed.push_back({.name = attribute.name, .type = "String", .value = attribute.value});
    EncodedAttributes::encode(typed, attributes_md5(typed), out);
}

}  // namespace tranter::broker
