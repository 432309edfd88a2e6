#include "base/encoding.hpp"
#include "base/suggest.hpp"
#include "jobs/json_cursor.hpp"
#include "jobs/json_text.hpp"
#include "jobs/payload_limits.hpp"
#include "jobs/time_text.hpp"

#include <tranter/payload_reader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace tranter {

struct PayloadReader::State {
    jobs::JsonCursor cursor;
    UnknownMembers unknown;
};

namespace {

// A text that is longer is neither a time nor a duration.
constexpr std::size_t time_bytes_max = 64;
constexpr std::size_t names_shown_max = 8;

bool is_integer(std::string_view token) {
    return token.find_first_of(".eE") == std::string_view::npos;
}

/// Of a number token that is an integer.
template <class T>
bool in_range(std::string_view token, T& out, IntegerRange range) {
    if (token == "-0") token = "0";
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), out);
    return error == std::errc() && end == token.data() + token.size() &&
           std::cmp_greater_equal(out, range.min) && std::cmp_less_equal(out, range.max);
}

template <class T>
bool read_key(std::string_view text, T& out, IntegerRange range) {
    IntegerText canonical;
    return in_range(text, out, range) && canonical.write(out) == text;
}

std::string expected_range(IntegerRange range) {
    return fmt::format("expected integer from {} to {}", range.min, range.max);
}

std::string expected_names(std::span<const EnumName> names) {
    std::string out = names.size() == 1 ? "expected " : "expected one of ";
    for (std::size_t i = 0; i < names.size() && i < names_shown_max; ++i) {
        if (i > 0) out += ", ";
        out += names[i].name;
    }
    if (names.size() > names_shown_max) out += ", ...";
    return out;
}

/// `names` is a span of what has a name.
template <class Names>
std::string suggestion(std::string_view word, Names names) {
    std::vector<std::string_view> candidates;
    for (const auto& each : names)
        candidates.push_back(each.name);
    return did_you_mean(word, candidates);
}

}  // namespace

bool PayloadReader::take_null() {
    jobs::JsonCursor& cursor = state_.cursor;
    return cursor.kind() == jobs::JsonKind::null && cursor.take(jobs::JsonKind::null, {});
}

bool PayloadReader::boolean(bool& out) {
    if (!state_.cursor.take(jobs::JsonKind::boolean, "expected true or false")) return false;
    out = state_.cursor.token() == "true";
    return true;
}

bool PayloadReader::integer(std::int64_t& out, IntegerRange range) {
    if (!state_.cursor.take(jobs::JsonKind::number, "expected integer")) return false;
    if (!is_integer(state_.cursor.token())) return state_.cursor.refuse("expected integer");
    return in_range(state_.cursor.token(), out, range) ||
           state_.cursor.refuse(expected_range(range));
}

bool PayloadReader::integer(std::uint64_t& out, IntegerRange range) {
    if (!state_.cursor.take(jobs::JsonKind::number, "expected integer")) return false;
    if (!is_integer(state_.cursor.token())) return state_.cursor.refuse("expected integer");
    return in_range(state_.cursor.token(), out, range) ||
           state_.cursor.refuse(expected_range(range));
}

namespace {

template <class Float>
bool read_number(jobs::JsonCursor& cursor, Float& out) {
    if (!cursor.take(jobs::JsonKind::number, "expected number")) return false;
    const std::string_view token = cursor.token();
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), out);
    if (error == std::errc() && end == token.data() + token.size()) return true;
    return cursor.refuse(fmt::format(
        "expected number that fits into {}", sizeof(Float) == sizeof(float) ? "float" : "double"
    ));
}

}  // namespace

bool PayloadReader::number(double& out) {
    return read_number(state_.cursor, out);
}

bool PayloadReader::number(float& out) {
    return read_number(state_.cursor, out);
}

bool PayloadReader::text(std::string& out) {
    std::string_view text;
    if (!state_.cursor.take_text(text, "expected string")) return false;
    out = text;
    return true;
}

bool PayloadReader::bytes(std::string& out) {
    std::string_view text;
    if (!state_.cursor.take_text(text, "expected base64")) return false;
    auto bytes = from_base64(text);
    if (!bytes) return state_.cursor.refuse("expected base64");
    out = std::move(*bytes);
    return true;
}

namespace {

using ParseCount = Result<std::int64_t> (*)(std::string_view, TimeUnit);

bool read_count(
    jobs::JsonCursor& cursor,
    std::string_view expected,
    std::int64_t& count,
    TimeUnit unit,
    ParseCount parse
) {
    std::string_view text;
    if (!cursor.take_text(text, expected)) return false;
    if (text.size() > time_bytes_max) return cursor.refuse(expected);
    const auto parsed = parse(text, unit);
    if (!parsed) return cursor.fail(parsed.error().message());
    count = *parsed;
    return true;
}

}  // namespace

bool PayloadReader::duration(std::int64_t& count, TimeUnit unit) {
    return read_count(
        state_.cursor, "expected a duration like \"30s\"", count, unit, jobs::parse_duration_count
    );
}

bool PayloadReader::time(std::int64_t& count, TimeUnit unit) {
    constexpr std::string_view expected = "expected a time like \"2026-11-03T04:05:06Z\"";
    return read_count(state_.cursor, expected, count, unit, jobs::parse_time_count);
}

bool PayloadReader::json(Json& out) {
    std::string_view text;
    unsigned depth = 0;
    if (!state_.cursor.take_any(text, depth)) return false;
    if (depth > jobs::payload_depth_max) return state_.cursor.fail(jobs::too_deep());
    out.text_ = jobs::without_blanks(text);
    out.depth_ = static_cast<std::uint8_t>(depth);
    return true;
}

bool PayloadReader::enumerator(
    std::uint64_t& bits, IntegerRange range, std::span<const EnumName> names
) {
    jobs::JsonCursor& cursor = state_.cursor;
    if (!names.empty() && cursor.kind() == jobs::JsonKind::text) {
        std::string_view name;
        if (!cursor.take_text(name, {})) return false;
        const auto found = std::ranges::find(names, name, &EnumName::name);
        if (found == names.end()) {
            return cursor.refuse(expected_names(names), suggestion(name, names));
        }
        bits = found->value;
        return true;
    }
    if (!names.empty() && cursor.kind() != jobs::JsonKind::number) {
        return cursor.refuse_next(expected_names(names));
    }
    if (range.min < 0) {
        std::int64_t value = 0;
        if (!integer(value, range)) return false;
        bits = static_cast<std::uint64_t>(value);
    } else if (!integer(bits, range)) {
        return false;
    }
    // Whatever is an enumerator with such a value has a name.
    if (names.empty() || bits > detail::enum_value_max) return true;
    return cursor.refuse(expected_names(names));
}

bool PayloadReader::object(std::span<const MemberToRead> members) {
    std::size_t next = 0;
    const auto each = [&](std::string_view name) {
        // Most often they come in the order in which they were declared.
        for (std::size_t tried = 0; tried < members.size(); ++tried) {
            const MemberToRead& member = members[next];
            next = next + 1 == members.size() ? 0 : next + 1;
            if (member.name == name) return member.read(*this, member.value);
        }
        if (state_.unknown == UnknownMembers::skip) return state_.cursor.skip();
        return state_.cursor.fail("unknown member" + suggestion(name, members));
    };
    return this->members(each);
}

bool PayloadReader::members(void* call, bool (*each)(void* call, std::string_view key)) {
    return state_.cursor.members(call, each);
}

bool PayloadReader::elements(
    std::size_t count, void* call, bool (*each)(void* call, std::size_t index)
) {
    return state_.cursor.elements(count == any_count ? nullptr : &count, call, each);
}

bool PayloadReader::key(std::string_view text, std::int64_t& out, IntegerRange range) {
    return read_key(text, out, range) ||
           state_.cursor.fail(expected_range(range) + " as the key of this member");
}

bool PayloadReader::key(std::string_view text, std::uint64_t& out, IntegerRange range) {
    return read_key(text, out, range) ||
           state_.cursor.fail(expected_range(range) + " as the key of this member");
}

bool PayloadReader::refuse_size(std::size_t expected_bytes, std::size_t found_bytes) {
    return state_.cursor.fail(
        fmt::format("expected {} bytes in base64, got {}", expected_bytes, found_bytes)
    );
}

bool PayloadReader::refuse_count() {
    return state_.cursor.refuse("expected a time that fits into the field");
}

bool PayloadReader::refuse_text(const Error& problem) {
    return state_.cursor.fail(problem.message());
}

bool PayloadReader::refuse_repeated_key() {
    return state_.cursor.fail("is there twice");
}

Result<void> read_payload(std::string_view text, void* value, ReadValue read, ReadRules rules) {
    const unsigned depth_max = jobs::payload_depth_max + rules.envelope_depth;
    PayloadReader::State state{
        jobs::JsonCursor(text, depth_max, rules.elements_max), rules.unknown};
    PayloadReader reader(state);
    if (state.cursor.begin() && read(reader, value) && state.cursor.end()) return {};
    return std::unexpected(state.cursor.take_error());
}

Result<Json> Json::parse(std::string_view text) {
    Json json;
    const auto done = read_payload(text, &json, [](PayloadReader& reader, void* into) {
        return reader.json(*static_cast<Json*>(into));
    });
    if (!done) return std::unexpected(done.error());
    return json;
}

}  // namespace tranter
