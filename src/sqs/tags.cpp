#include "sqs/tags.hpp"

#include "http/text.hpp"
#include "sqs/call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace tranter::sqs {

namespace {

constexpr std::size_t key_characters_max = 128;
constexpr std::size_t value_characters_max = 256;
constexpr std::size_t tags_max = 50;
constexpr OutputMap tag_map{"Tags", "Tag", "Key", "Value"};

std::size_t count_characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

Outcome<> check_key(std::string_view key) {
    const std::size_t characters = count_characters(key);
    if (characters >= 1 && characters <= key_characters_max) return {};
    return failed(
        Code::invalid_parameter_value, "Tag keys must be between 1 and 128 characters in length."
    );
}

Outcome<> check_new_key(std::string_view key) {
    if (Outcome<> good = check_key(key); !good) return good;
    if (!http::same_ignoring_case(key.substr(0, 4), "aws:")) return {};
    return failed(
        Code::invalid_parameter_value, "Tag keys must not begin with aws:, which is reserved."
    );
}

std::string too_many(std::string_view queue) {
    return fmt::format("Too many tags added for queue {}.", queue);
}

}  // namespace

Outcome<> check_tags(std::string_view queue, std::span<const NamedText> tags) {
    if (tags.size() > tags_max) return failed(Code::invalid_parameter_value, too_many(queue));
    for (const NamedText& tag : tags) {
        if (Outcome<> good = check_new_key(tag.name); !good) return good;
        if (count_characters(tag.value) > value_characters_max) {
            return failed(
                Code::invalid_parameter_value,
                "Tag values must be between 0 and 256 characters in length."
            );
        }
    }
    return {};
}

Outcome<> tag_queue(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const auto tags = call.input.map({"Tags", "Tag", "Key"});
    if (Outcome<> good = call.check_input(); !good) return good;
    if (tags.empty()) return Failed(missing("Tags"));
    const std::string& name = (*queue)->name();
    if (Outcome<> good = check_tags(name, tags); !good) return good;

    const auto changed =
        call.broker.change_settings(*queue, [&](broker::QueueSettings& settings) -> Result<> {
            for (const NamedText& tag : tags)
                settings.tags[std::string(tag.name)] = tag.value;
            if (settings.tags.size() <= tags_max) return {};
            return fail(Errc::invalid_argument, too_many(name));
        });
    if (!changed) return Failed(from_error(changed.error()));
    call.wait_for(*changed);
    return {};
}

Outcome<> untag_queue(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const auto keys = call.input.list({"TagKeys", "TagKey"});
    if (Outcome<> good = call.check_input(); !good) return good;
    if (keys.empty()) return check_key("");
    for (const std::string_view key : keys) {
        if (Outcome<> good = check_key(key); !good) return good;
    }

    const auto changed =
        call.broker.change_settings(*queue, [&](broker::QueueSettings& settings) -> Result<> {
            for (const std::string_view key : keys)
                settings.tags.erase(std::string(key));
            return {};
        });
    if (!changed) return Failed(from_error(changed.error()));
    call.wait_for(*changed);
    return {};
}

Outcome<> list_queue_tags(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const broker::SettingsSnapshot settings = (*queue)->settings();
    if (settings->tags.empty()) return {};
    call.output.begin_map(tag_map);
    for (const auto& [key, value] : settings->tags)
        call.output.entry(tag_map, key, value);
    call.output.end_map(tag_map);
    return {};
}

}  // namespace tranter::sqs
