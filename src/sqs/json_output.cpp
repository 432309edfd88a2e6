#include "base/json_writer.hpp"
#include "sqs/output.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace tranter::sqs {

void JsonOutput::key(std::string_view name) {
    const std::size_t begin = buffer.size();
    buffer.resize_and_overwrite(begin + name.size() + 4, [&](char* text, std::size_t) {
        char* to = text + begin;
        if (comma_) *to++ = ',';
        *to++ = '"';
        std::memcpy(to, name.data(), name.size());
        to += name.size();
        *to++ = '"';
        *to++ = ':';
        return static_cast<std::size_t>(to - text);
    });
    comma_ = true;
}

void JsonOutput::open(char bracket) {
    buffer += bracket;
    comma_ = false;
}

void JsonOutput::close(char bracket) {
    buffer += bracket;
    comma_ = true;
}

void JsonOutput::text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(buffer, value);
}

void JsonOutput::number(std::string_view name, std::uint64_t value) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    key(name);
    buffer.append(digits.data(), end);
}

void JsonOutput::flag(std::string_view name, bool value) {
    key(name);
    buffer += value ? "true" : "false";
}

std::string& JsonOutput::begin_token(std::string_view name) {
    key(name);
    buffer += '"';
    return buffer;
}

void JsonOutput::end_token(std::string_view) {
    buffer += '"';
}

void JsonOutput::begin_list(const OutputList& list) {
    key(list.json);
    open('[');
}

void JsonOutput::element(const OutputList&, std::string_view value) {
    if (comma_) buffer += ',';
    append_json_string(buffer, value);
    comma_ = true;
}

void JsonOutput::end_list(const OutputList&) {
    close(']');
}

void JsonOutput::begin_object(const OutputList&) {
    if (comma_) buffer += ',';
    open('{');
}

void JsonOutput::end_object(const OutputList&) {
    close('}');
}

void JsonOutput::begin_map(const OutputMap& map) {
    key(map.json);
    open('{');
}

void JsonOutput::entry(const OutputMap&, std::string_view name, std::string_view value) {
    if (comma_) buffer += ',';
    append_json_string(buffer, name);
    buffer += ':';
    append_json_string(buffer, value);
    comma_ = true;
}

void JsonOutput::begin_entry(const OutputMap&, std::string_view name) {
    if (comma_) buffer += ',';
    append_json_string(buffer, name);
    buffer += ':';
    open('{');
}

void JsonOutput::end_entry(const OutputMap&) {
    close('}');
}

void JsonOutput::end_map(const OutputMap&) {
    close('}');
}

std::string JsonOutput::finish() && {
    buffer += '}';
    return std::move(buffer);
}

}  // namespace tranter::sqs
