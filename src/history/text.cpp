#include "history/text.hpp"

#include "base/siphash.hpp"
#include "base/unicode.hpp"
#include "history/rows.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tranter::history {
namespace {

std::optional<unsigned> read_hex(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() != 4 || error != std::errc{} || end != text.data() + 4) return std::nullopt;
    return value;
}

/// What stands for the \uXXXX that begins `text`, and how long it is; 0 if there is none.
std::size_t append_unicode_escape(std::string& out, std::string_view text) {
    if (!text.starts_with("\\u")) return 0;
    const auto first = read_hex(text.substr(2, 4));
    if (!first) return 0;
    if (*first < 0xd800 || *first > 0xdfff) {
        append_utf8(out, *first);
        return 6;
    }
    const auto second =
        text.substr(6).starts_with("\\u") ? read_hex(text.substr(8, 4)) : std::nullopt;
    if (*first > 0xdbff || !second || *second < 0xdc00 || *second > 0xdfff) {
        out += ' ';
        return 6;
    }
    append_utf8(out, 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00));
    return 12;
}

using Document = simdjson::dom::element;

/// Whether a value is written like `text`.
bool is_written(const Document& value, std::string_view text) {
    switch (value.type()) {
        case simdjson::dom::element_type::STRING:
            return value.get_string().value_unsafe() == text;
        case simdjson::dom::element_type::INT64:
            return fmt::format_int(value.get_int64().value_unsafe()).c_str() == text;
        case simdjson::dom::element_type::UINT64:
            return fmt::format_int(value.get_uint64().value_unsafe()).c_str() == text;
        case simdjson::dom::element_type::DOUBLE: {
            double number = 0;
            const auto [end, error] =
                std::from_chars(text.data(), text.data() + text.size(), number);
            return error == std::errc{} && end == text.data() + text.size() &&
                   number == value.get_double().value_unsafe();
        }
        case simdjson::dom::element_type::BOOL:
            return text == (value.get_bool().value_unsafe() ? "true" : "false");
        case simdjson::dom::element_type::NULL_VALUE:
            return text == "null";
        case simdjson::dom::element_type::ARRAY:
            return std::ranges::any_of(value.get_array().value_unsafe(), [&](const Document& each) {
                return !each.is_array() && is_written(each, text);
            });
        case simdjson::dom::element_type::OBJECT:
            break;
    }
    return false;
}

std::optional<Document> find_member(const Document& value, const std::string& name) {
    Document member;
    if (value.is_object()) {
        if (value.get_object().value_unsafe().at_key(name).get(member) == simdjson::SUCCESS) {
            return member;
        }
    } else if (value.is_array()) {
        std::size_t index = 0;
        const char* const end = name.data() + name.size();
        const auto [stop, error] = std::from_chars(name.data(), end, index);
        if (error != std::errc{} || stop != end) return std::nullopt;
        if (value.get_array().value_unsafe().at(index).get(member) == simdjson::SUCCESS) {
            return member;
        }
    }
    return std::nullopt;
}

std::string_view text_of(sqlite3_value* value) {
    const void* data = sqlite3_value_blob(value);
    if (data == nullptr) return {};
    const int bytes = sqlite3_value_bytes(value);
    return {static_cast<const char*>(data), static_cast<std::size_t>(bytes)};
}

void text_function(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    const auto* search =
        static_cast<const TextSearch*>(sqlite3_value_pointer(values[0], text_search_tag));
    Texts texts;
    for (std::size_t field = 0; field < text_fields; ++field)
        texts[field] = text_of(values[field + 1]);
    sqlite3_result_int(context, search != nullptr && search->matches(texts) ? 1 : 0);
}

void argument_function(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    const auto* term =
        static_cast<const ArgumentTerm*>(sqlite3_value_pointer(values[0], argument_term_tag));
    const bool found = term != nullptr && argument_matches(text_of(values[1]), *term);
    sqlite3_result_int(context, found ? 1 : 0);
}

void tag_function(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    const auto tags = decode_tags(text_of(values[1]));
    const bool found = std::ranges::find(tags, text_of(values[0])) != tags.end();
    sqlite3_result_int(context, found ? 1 : 0);
}

/// Stands in files. The key is no secret: who knows it can make two tags that share a mark.
std::uint64_t hash_of(std::string_view text) {
    return siphash({}, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

std::string marks_of(std::string_view group, std::string_view tags) {
    std::string marks;
    if (!group.empty()) marks = group_mark(group);
    for (const std::string& tag : decode_tags(tags)) {
        marks += ' ';
        marks += tag_mark(tag);
    }
    return marks;
}

std::string group_mark(std::string_view group) {
    return fmt::format("g{:016x}", hash_of(group));
}

std::string tag_mark(std::string_view tag) {
    return fmt::format("t{:016x}", hash_of(tag));
}

std::string_view plain_text(std::string_view json, std::string& buffer) {
    std::size_t at = json.find('\\');
    if (at == std::string_view::npos) return json;
    buffer.clear();
    std::size_t done = 0;
    while (at != std::string_view::npos) {
        buffer += json.substr(done, at - done);
        std::size_t length = append_unicode_escape(buffer, json.substr(at));
        if (length == 0) {
            buffer += ' ';
            length = 2;
        }
        done = std::min(at + length, json.size());
        at = json.find('\\', done);
    }
    buffer += json.substr(done);
    return buffer;
}

std::string_view indexed_text(const Texts& texts, TextField field, std::string& buffer) {
    const std::string_view text = texts[static_cast<std::size_t>(field)];
    return field == TextField::log ? text : plain_text(text, buffer);
}

bool argument_matches(std::string_view json, const ArgumentTerm& term) {
    // the parser keeps its memory between calls
    thread_local simdjson::dom::parser parser;
    Document value;
    if (parser.parse(json.data(), json.size()).get(value) != simdjson::SUCCESS) return false;
    for (const std::string& name : term.path) {
        const auto member = find_member(value, name);
        if (!member) return false;
        value = *member;
    }
    return is_written(value, term.value);
}

void add_functions(Database& database) {
    const auto add = [&database](const char* name, int arguments, auto* function) {
        // SQLITE_DIRECTONLY: nothing in the schema of a forged file can call it
        const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
        const int code = sqlite3_create_function_v2(
            database.handle(), name, arguments, flags, nullptr, function, nullptr, nullptr, nullptr
        );
        if (code != SQLITE_OK) throw DatabaseError(code, "SQLite refuses a function of ours");
    };
    add("history_text", 5, &text_function);
    add("history_argument", 2, &argument_function);
    add("history_tag", 2, &tag_function);
}

}  // namespace tranter::history
