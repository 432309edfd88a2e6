#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "jobs/payload_limits.hpp"
#include "jobs/time_text.hpp"
#include "jobs/value_path.hpp"

#include <tranter/payload_writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

namespace tranter {

struct PayloadWriter::State {
    std::string out{};
    JsonWriter json{out};
    jobs::ValuePath path{};
    unsigned depth = 0;
    std::optional<Error> error{};
};

std::string_view IntegerText::write(std::int64_t value) {
    return {text_, std::to_chars(std::begin(text_), std::end(text_), value).ptr};
}

std::string_view IntegerText::write(std::uint64_t value) {
    return {text_, std::to_chars(std::begin(text_), std::end(text_), value).ptr};
}

namespace {

template <class Float>
std::string_view shortest(std::array<char, 32>& text, Float value) {
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace

bool PayloadWriter::fail(std::string problem) {
    if (!state_.error) {
        state_.error.emplace(
            Errc::invalid_argument, fmt::format("{}: {}", state_.path.text(), problem)
        );
    }
    return false;
}

bool PayloadWriter::enter() {
    if (state_.depth == jobs::payload_depth_max) return fail(jobs::too_deep());
    ++state_.depth;
    return true;
}

bool PayloadWriter::null() {
    state_.json.null();
    return true;
}

bool PayloadWriter::boolean(bool value) {
    state_.json.value(value);
    return true;
}

bool PayloadWriter::integer(std::int64_t value) {
    state_.json.value(value);
    return true;
}

bool PayloadWriter::integer(std::uint64_t value) {
    state_.json.value(value);
    return true;
}

bool PayloadWriter::number(double value) {
    if (!std::isfinite(value)) return fail(fmt::format("{} is no number in JSON", value));
    std::array<char, 32> text;
    state_.json.raw(shortest(text, value));
    return true;
}

bool PayloadWriter::number(float value) {
    if (!std::isfinite(value)) return fail(fmt::format("{} is no number in JSON", value));
    std::array<char, 32> text;
    state_.json.raw(shortest(text, value));
    return true;
}

bool PayloadWriter::text(std::string_view value) {
    if (!is_valid_utf8(value)) {
        return fail("text is not UTF-8; for bytes there is std::vector<std::byte>");
    }
    state_.json.value(value);
    return true;
}

bool PayloadWriter::bytes(const void* data, std::size_t size) {
    // Letters of base64 need no escape.
    std::string text = "\"";
    append_base64(text, {static_cast<const char*>(data), size});
    state_.json.raw(text.append("\""));
    return true;
}

bool PayloadWriter::duration(std::int64_t count, TimeUnit unit) {
    const auto text = jobs::duration_text(count, unit);
    if (!text) return fail(text.error().message());
    state_.json.value(*text);
    return true;
}

bool PayloadWriter::time(std::int64_t count, TimeUnit unit) {
    const auto text = jobs::time_text(count, unit);
    if (!text) return fail(text.error().message());
    state_.json.value(*text);
    return true;
}

bool PayloadWriter::json(const Json& value) {
    if (state_.depth + value.depth() > jobs::payload_depth_max) return fail(jobs::too_deep());
    state_.json.raw(value.text());
    return true;
}

bool PayloadWriter::enumerator(std::uint8_t value, std::span<const EnumName> names) {
    const auto found = std::ranges::find(names, value, &EnumName::value);
    if (found == names.end()) return fail(fmt::format("{} is no enumerator of its type", value));
    return text(found->name);
}

bool PayloadWriter::object(std::span<const MemberToWrite> members) {
    if (!begin_object()) return false;
    for (const MemberToWrite& each : members) {
        if (each.value != nullptr && !member(each)) return false;
    }
    return end_object();
}

bool PayloadWriter::sorted_object(std::vector<KeyedValue> entries, WriteValue write) {
    std::ranges::sort(entries, {}, &KeyedValue::key);
    if (!begin_object()) return false;
    for (const KeyedValue& entry : entries) {
        if (!member({entry.key, entry.value, write})) return false;
    }
    return end_object();
}

bool PayloadWriter::begin_object() {
    if (!enter()) return false;
    state_.json.begin_object();
    return true;
}

bool PayloadWriter::member(const MemberToWrite& member) {
    if (!is_valid_utf8(member.name)) return fail("a key is not UTF-8");
    state_.path.push(member.name);
    state_.json.key(member.name);
    if (!member.write(*this, member.value)) return false;
    state_.path.pop();
    return true;
}

bool PayloadWriter::end_object() {
    state_.json.end_object();
    --state_.depth;
    return true;
}

bool PayloadWriter::begin_array() {
    if (!enter()) return false;
    state_.json.begin_array();
    state_.path.push(std::size_t{0});
    return true;
}

bool PayloadWriter::element(std::size_t index) {
    state_.path.set_index(index);
    return true;
}

bool PayloadWriter::end_array() {
    state_.path.pop();
    state_.json.end_array();
    --state_.depth;
    return true;
}

Result<std::string> write_payload(const void* value, WriteValue write) {
    PayloadWriter::State state;
    PayloadWriter writer(state);
    if (!write(writer, value)) return std::unexpected(std::move(*state.error));
    return std::move(state.out);
}

}  // namespace tranter
