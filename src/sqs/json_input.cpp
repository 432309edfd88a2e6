#include "sqs/json_input.hpp"

#include "http/message.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace tranter::sqs {

namespace {

namespace dom = simdjson::dom;

static_assert(http::body_padding_bytes >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t depth_max = 64;
constexpr std::size_t capacity_kept = 256 * 1024;  // of a thread's parser between requests

/// A parser's memory is several times its capacity, so what a huge request needed is given back.
class ThreadParser {
  public:
    /// Nothing when memory is short.
    dom::parser* get(std::size_t body_bytes) {
        const std::size_t wanted = std::max<std::size_t>(body_bytes, 4096);
        if (parser_.capacity() < wanted) {
            if (parser_.allocate(wanted * 5 / 4, depth_max) != simdjson::SUCCESS) return nullptr;
        }
        return &parser_;
    }
    void trim() {
        if (parser_.capacity() > capacity_kept) parser_ = dom::parser();
    }

  private:
    dom::parser parser_;
};

ThreadParser& thread_parser() {
    thread_local ThreadParser parser;
    return parser;
}

/// Whether JSON text has a \uD800-\uDFFF escape that is not half of a pair.
bool has_lone_surrogate(std::string_view json) {
    const auto unit_at = [&](std::size_t i) -> std::optional<unsigned> {
        if (i + 6 > json.size() || json[i] != '\\' || json[i + 1] != 'u') return std::nullopt;
        unsigned unit = 0;
        const char* begin = json.data() + i + 2;
        const auto [end, error] = std::from_chars(begin, begin + 4, unit, 16);
        if (error != std::errc() || end != begin + 4) return std::nullopt;
        return unit;
    };
    for (std::size_t i = 0; i + 1 < json.size(); ++i) {
        if (json[i] != '\\') continue;
        const auto unit = unit_at(i);
        if (!unit || *unit < 0xD800 || *unit > 0xDFFF) {
            ++i;  // the escaped character
            continue;
        }
        const auto second = unit_at(i + 6);
        const bool pair = *unit < 0xDC00 && second && *second >= 0xDC00 && *second <= 0xDFFF;
        if (!pair) return true;
        i += 11;
    }
    return false;
}

Failure not_json(std::string_view why) {
    return {Code::serialization, fmt::format("The request body is not valid JSON: {}", why)};
}

}  // namespace

JsonInput::JsonInput(dom::object object) {
    std::size_t count = 0;
    for (const dom::key_value_pair field : object) {
        if (count == items_max) {
            fail(
                {Code::serialization,
                 fmt::format("An object of the request has more than {} members", items_max)}
            );
            break;
        }
        if (count < few_.size()) {
            few_[count] = {field.key, field.value};
        } else {
            if (many_.empty()) many_.assign(few_.begin(), few_.end());
            many_.push_back({field.key, field.value});
        }
        ++count;
    }
    fields_ = many_.empty() ? std::span<const Field>(few_.data(), count) : many_;
    check_distinct();
}

void JsonInput::check_distinct() {
    const auto fail_repeated = [this](std::string_view name) {
        fail({Code::serialization, fmt::format("The member {} occurs twice", shortened(name, 64))});
    };
    if (many_.empty()) {
        for (std::size_t i = 1; i < fields_.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (fields_[i].name == fields_[j].name) return fail_repeated(fields_[i].name);
            }
        }
        return;
    }
    std::vector<std::string_view> names;
    names.reserve(fields_.size());
    for (const Field& field : fields_)
        names.push_back(field.name);
    std::ranges::sort(names);
    const auto repeated = std::ranges::adjacent_find(names);
    if (repeated != names.end()) fail_repeated(*repeated);
}

const dom::element* JsonInput::find(std::string_view name) const {
    for (const Field& field : fields_) {
        if (field.name == name) return field.value.is_null() ? nullptr : &field.value;
    }
    return nullptr;
}

void JsonInput::fail_type(std::string_view name, std::string_view wanted) {
    fail({Code::serialization, fmt::format("The member {} must be {}", shortened(name, 64), wanted)}
    );
}

std::optional<std::string_view> JsonInput::text(std::string_view name) {
    const dom::element* const value = find(name);
    if (value == nullptr) return std::nullopt;
    std::string_view text;
    if (value->get(text) == simdjson::SUCCESS) return text;
    fail_type(name, "a string");
    return std::nullopt;
}

std::optional<Integer> JsonInput::integer(std::string_view name) {
    const dom::element* const value = find(name);
    if (value == nullptr) return std::nullopt;
    Integer integer;
    switch (value->type()) {
        case dom::element_type::INT64:
            integer.value = value->get_int64().value_unsafe();
            break;
        case dom::element_type::UINT64:
            integer.valid = false;
            integer.number = static_cast<double>(value->get_uint64().value_unsafe());
            break;
        case dom::element_type::DOUBLE:
            integer.valid = false;
            integer.number = value->get_double().value_unsafe();
            break;
        case dom::element_type::STRING:
            return Integer::from_text(value->get_string().value_unsafe());
        default:
            fail_type(name, "a number");
            return std::nullopt;
    }
    return integer;
}

std::vector<std::string_view> JsonInput::list(const ListName& name) {
    std::vector<std::string_view> texts;
    const dom::element* const value = find(name.json);
    if (value == nullptr) return texts;
    dom::array array;
    if (value->get(array) != simdjson::SUCCESS) {
        fail_type(name.json, "a list of strings");
        return texts;
    }
    if (array.size() > items_max) {
        fail(
            {Code::serialization,
             fmt::format("The member {} has more than {} items", name.json, items_max)}
        );
        return texts;
    }
    for (const dom::element element : array) {
        std::string_view text;
        if (element.get(text) != simdjson::SUCCESS) {
            fail_type(name.json, "a list of strings");
            return texts;
        }
        texts.push_back(text);
    }
    return texts;
}

std::vector<NamedText> JsonInput::map(const MapName& name) {
    std::vector<NamedText> entries;
    const dom::element* const value = find(name.json);
    if (value == nullptr) return entries;
    dom::object object;
    if (value->get(object) != simdjson::SUCCESS) {
        fail_type(name.json, "an object of strings");
        return entries;
    }
    JsonInput members(object);
    for (const Field& field : members.fields_) {
        std::string_view text;
        if (field.value.is_null()) continue;
        if (field.value.get(text) != simdjson::SUCCESS) {
            fail_type(name.json, "an object of strings");
            return entries;
        }
        entries.push_back({field.name, text});
    }
    if (members.failure()) fail(*members.failure());
    return entries;
}

std::vector<AttributeInput> JsonInput::attributes(const MapName& name) {
    std::vector<AttributeInput> attributes;
    const dom::element* const value = find(name.json);
    if (value == nullptr) return attributes;
    dom::object object;
    if (value->get(object) != simdjson::SUCCESS) {
        fail_type(name.json, "an object");
        return attributes;
    }
    JsonInput members(object);
    attributes.reserve(members.fields_.size());
    for (const Field& field : members.fields_) {
        dom::object content;
        if (field.value.get(content) != simdjson::SUCCESS) {
            fail_type(name.json, "an object of objects");
            return attributes;
        }
        JsonInput parts(content);
        attributes.push_back({
            .name = field.name,
            .type = parts.text("DataType"),
            .string_value = parts.text("StringValue"),
            .binary_value = parts.text("BinaryValue"),
            .has_list = !parts.list({"StringListValues", {}}).empty() ||
                        !parts.list({"BinaryListValues", {}}).empty(),
        });
        if (parts.failure()) fail(*parts.failure());
    }
    if (members.failure()) fail(*members.failure());
    return attributes;
}

std::size_t JsonInput::entries(
    const ListName& name, std::size_t most, const std::function<void(Input&)>& visit
) {
    const dom::element* const value = find(name.json);
    if (value == nullptr) return 0;
    dom::array array;
    if (value->get(array) != simdjson::SUCCESS) {
        fail_type(name.json, "a list of objects");
        return 0;
    }
    std::size_t visited = 0;
    for (const dom::element element : array) {
        if (visited++ == most) break;
        dom::object object;
        if (element.get(object) != simdjson::SUCCESS) {
            fail_type(name.json, "a list of objects");
            break;
        }
        JsonInput entry(object);
        visit(entry);
        if (!entry.failure()) continue;
        fail(*entry.failure());
        break;
    }
    return array.size();
}

JsonDocument::JsonDocument(std::string_view body) {
    if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
    dom::parser* const parser = thread_parser().get(body.size());
    if (parser == nullptr) {
        failure_ = Failure{Code::internal_failure, "out of memory"};
        return;
    }
    dom::element root;
    dom::object object;
    const simdjson::error_code error = parser->parse(body.data(), body.size(), false).get(root);
    if (error == simdjson::STRING_ERROR && has_lone_surrogate(body)) {
        failure_ = invalid_characters();
    } else if (error != simdjson::SUCCESS) {
        failure_ = not_json(simdjson::error_message(error));
    } else if (root.get(object) != simdjson::SUCCESS) {
        failure_ = not_json("it must be an object");
    } else {
        input_.emplace(object);
    }
}

JsonDocument::~JsonDocument() {
    thread_parser().trim();
}

}  // namespace tranter::sqs
