#include "cli/elasticmq_values.hpp"

#include "base/duration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tranter::cli::elasticmq {
namespace {

std::unexpected<Error> bad_value(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

bool parse_number(std::string_view text, std::int64_t& number) {
    const char* end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, number);
    return status == std::errc() && rest == end;
}

}  // namespace

Result<std::string> read_text(const ConfigNode& node) {
    if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
    return bad_value(fmt::format("is {}, write text", kind_of(node)));
}

Result<bool> read_bool(const ConfigNode& node) {
    const Result<std::string> text = read_text(node);
    if (!text) return std::unexpected(text.error());
    if (*text == "true" || *text == "yes" || *text == "on") return true;
    if (*text == "false" || *text == "no" || *text == "off") return false;
    return bad_value(fmt::format("is \"{}\", write true or false", *text));
}

Result<std::int64_t> read_whole_number(const ConfigNode& node, std::int64_t min, std::int64_t max) {
    const Result<std::string> text = read_text(node);
    if (!text) return std::unexpected(text.error());
    std::int64_t number = 0;
    if (!parse_number(*text, number)) {
        return bad_value(
            fmt::format("is \"{}\", write a whole number from {} to {}", *text, min, max)
        );
    }
    if (number < min || number > max) {
        return bad_value(fmt::format("is {}, allowed is {} to {}", number, min, max));
    }
    return number;
}

Result<Duration> read_duration(const ConfigNode& node) {
    const Result<std::string> text = read_text(node);
    if (!text) return std::unexpected(text.error());
    const bool bare = !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
    const Result<Duration> duration = parse_duration(bare ? *text + "ms" : *text);
    if (!duration) return duration;
    return std::chrono::floor<std::chrono::seconds>(*duration);
}

Result<std::map<std::string, std::string>> read_texts(const ConfigNode& node) {
    const auto* object = std::get_if<ConfigNode::Object>(&node.value);
    if (object == nullptr) {
        return bad_value(fmt::format("is {}, write {{ name = value }}", kind_of(node)));
    }
    std::map<std::string, std::string> texts;
    for (const ConfigMember& member : *object) {
        Result<std::string> text = read_text(member.node);
        if (!text) return bad_value(fmt::format("\"{}\" {}", member.key, text.error().message()));
        texts.emplace(member.key, std::move(*text));
    }
    return texts;
}

}  // namespace tranter::cli::elasticmq
