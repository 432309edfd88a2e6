#include "appfile/yaml_text.hpp"

#include "base/encoding.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace tranter::appfile {
namespace {

constexpr std::size_t yaml_depth_max = 100;
// A thousand times what the largest file needs; a dozen nested aliases would be more.
constexpr std::size_t yaml_weight_max = std::size_t{32} << 20;
// Members are looked up one by one.
constexpr std::size_t yaml_members_max = 2000;

constexpr std::string_view text_tag = "tag:yaml.org,2002:str";
constexpr std::string_view merge_key = "<<";

Place place_of(const yaml_mark_t& mark) {
    return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

std::string_view view_of(const yaml_char_t* text) {
    return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

std::optional<double> integer_of(std::string_view digits, int base) {
    double value = 0;
    for (const char c : digits) {
        const int digit = hex_digit(c);
        if (digit < 0 || digit >= base) return {};
        value = value * base + digit;
    }
    if (digits.empty()) return {};
    return value;
}

std::optional<double> yaml_number(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    std::string_view rest = text;
    if (is_negative || text.starts_with('+')) rest.remove_prefix(1);
    const double sign = is_negative ? -1 : 1;
    if (is_one_of(rest, {".inf", ".Inf", ".INF"})) {
        return sign * std::numeric_limits<double>::infinity();
    }
    if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
    constexpr std::array<std::pair<std::string_view, int>, 3> bases{
        {{"0x", 16}, {"0o", 8}, {"0b", 2}}};
    for (const auto& [prefix, base] : bases) {
        if (!rest.starts_with(prefix)) continue;
        const auto value = integer_of(rest.substr(2), base);
        return value ? std::optional(sign * *value) : std::nullopt;
    }
    const bool is_number =
        !rest.empty() && (rest[0] == '.' ? rest.size() > 1 : true) &&
        std::ranges::all_of(rest, [](char c) {
            return (c >= '0' && c <= '9') || std::string_view(".eE+-").contains(c);
        });
    if (!is_number || rest[0] == '-' || rest[0] == '+') return {};
    double value = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (read.ec != std::errc() || read.ptr != rest.data() + rest.size()) return {};
    return sign * value;
}

/// What a scalar without quotes and tags means.
Value::Data plain_data(std::string_view text) {
    if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
    if (is_one_of(text, {"true", "True", "TRUE"})) return true;
    if (is_one_of(text, {"false", "False", "FALSE"})) return false;
    if (const auto number = yaml_number(text)) return *number;
    return std::string(text);
}

/// Makes a value of what libyaml's parser says, event by event.
class YamlReader {
  public:
    explicit YamlReader(std::string_view text) {
        ready_ = yaml_parser_initialize(&parser_) != 0;
        if (!ready_) return;
        yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(
            &parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size()
        );
    }
    ~YamlReader() {
        if (has_event_) yaml_event_delete(&event_);
        if (ready_) yaml_parser_delete(&parser_);
    }
    YamlReader(const YamlReader&) = delete;
    YamlReader& operator=(const YamlReader&) = delete;

    Result<Value> read() {
        Value value{.data = nullptr};
        next();
        if (event_.type == YAML_STREAM_START_EVENT) next();
        if (event_.type == YAML_DOCUMENT_START_EVENT) {
            next();
            value = node(0);
            next();
            if (event_.type == YAML_DOCUMENT_END_EVENT) next();
            if (event_.type == YAML_DOCUMENT_START_EVENT) {
                fail_at(here(), "a second document starts here, write one");
            }
        }
        if (!error_.empty()) return fail(Errc::invalid_argument, error_);
        return value;
    }

  private:
    Place here() const { return place_of(event_.start_mark); }

    void fail_at(Place place, std::string_view what) {
        if (error_.empty()) error_ = fmt::format("{}:{}: {}", place.line, place.column, what);
    }

    /// After an error the stream has ended.
    void next() {
        if (has_event_) yaml_event_delete(&event_);
        has_event_ = false;
        event_ = {};
        if (!error_.empty() || !ready_) return;
        has_event_ = yaml_parser_parse(&parser_, &event_) != 0;
        if (has_event_) return;
        event_ = {};
        const bool has_place =
            parser_.error == YAML_SCANNER_ERROR || parser_.error == YAML_PARSER_ERROR;
        const std::string_view why =
            parser_.problem != nullptr ? parser_.problem : "cannot be read as YAML";
        fail_at(place_of(has_place ? parser_.problem_mark : parser_.mark), printable(why));
    }

    void charge(const Value& value) {
        weight_ += weight_of(value);
        if (weight_ > yaml_weight_max) {
            fail_at(value.place, "is too much, its aliases make millions of values of a few");
        }
    }

    Value node(std::size_t depth) {
        const Place place = here();
        if (depth > yaml_depth_max) {
            fail_at(place, "is nested too deep");
            return {};
        }
        if (event_.type == YAML_ALIAS_EVENT) return alias(place);
        Value value{.data = nullptr, .place = place};
        std::string anchor;
        if (event_.type == YAML_SCALAR_EVENT) {
            anchor = view_of(event_.data.scalar.anchor);
            scalar(value);
        } else if (event_.type == YAML_SEQUENCE_START_EVENT) {
            anchor = view_of(event_.data.sequence_start.anchor);
            value.data = elements(depth);
        } else if (event_.type == YAML_MAPPING_START_EVENT) {
            anchor = view_of(event_.data.mapping_start.anchor);
            value.data = members(depth);
        } else {
            fail_at(place, "a value is missing");
        }
        if (!anchor.empty() && error_.empty()) {
            charge(value);
            anchors_.insert_or_assign(std::move(anchor), value);
        }
        return value;
    }

    Value alias(Place place) {
        const std::string_view name = view_of(event_.data.alias.anchor);
        const auto found = anchors_.find(name);
        if (found == anchors_.end()) {
            fail_at(place, fmt::format("*{} is the alias of nothing before it", printable(name)));
            return {};
        }
        charge(found->second);
        Value value = found->second;
        value.place = place;
        return value;
    }

    void scalar(Value& value) {
        const auto& scalar = event_.data.scalar;
        const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
        const std::string_view tag = view_of(scalar.tag);
        const bool is_plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.plain_implicit != 0;
        if (is_plain && tag.empty()) {
            value.data = plain_data(text);
        } else if (tag.empty() || tag == "!" || tag == text_tag) {
            value.data = std::string(text);
        } else {
            fail_at(value.place, fmt::format("tag {} means nothing here", printable(tag)));
        }
        charge(value);
    }

    Value::Array elements(std::size_t depth) {
        Value::Array out;
        for (next(); event_.type != YAML_SEQUENCE_END_EVENT && error_.empty(); next())
            out.push_back(node(depth + 1));
        charge({});
        return out;
    }

    Value::Object members(std::size_t depth) {
        Value::Object out;
        Value::Object merged;
        for (next(); event_.type != YAML_MAPPING_END_EVENT && error_.empty(); next()) {
            const Value key = node(depth + 1);
            next();
            Value value = node(depth + 1);
            if (!error_.empty()) break;
            if (!key.is_plain()) {
                fail_at(key.place, fmt::format("a key is text, and this is {}", kind_of(key)));
            } else if (const std::string name = to_text(key); name == merge_key) {
                merge(merged, value);
            } else if (std::ranges::find(out, name, &Member::key) != out.end()) {
                fail_at(key.place, fmt::format("key {} stands here twice", printable(name)));
            } else {
                out.push_back({name, std::move(value)});
            }
            if (out.size() + merged.size() > yaml_members_max) {
                fail_at(key.place, fmt::format("has more than {} members", yaml_members_max));
            }
        }
        // Whatever stands in the mapping itself wins.
        for (Member& member : merged) {
            if (std::ranges::find(out, member.key, &Member::key) == out.end()) {
                out.push_back(std::move(member));
            }
        }
        charge({});
        return out;
    }

    void merge(Value::Object& merged, const Value& from) {
        if (const auto* array = from.array()) {
            for (const Value& element : *array) {
                if (element.array() == nullptr) merge(merged, element);
            }
            return;
        }
        const auto* object = from.object();
        if (object == nullptr) {
            fail_at(from.place, fmt::format("<< takes a mapping, and this is {}", kind_of(from)));
            return;
        }
        for (const Member& member : *object) {
            if (std::ranges::find(merged, member.key, &Member::key) == merged.end() &&
                merged.size() <= yaml_members_max) {
                merged.push_back(member);
            }
        }
    }

    yaml_parser_t parser_{};
    yaml_event_t event_{};
    bool ready_ = false;
    bool has_event_ = false;
    std::map<std::string, Value, std::less<>> anchors_{};
    std::size_t weight_ = 0;
    std::string error_{};
};

}  // namespace

Result<Value> parse_yaml(std::string_view text) {
    return YamlReader(text).read();
}

}  // namespace tranter::appfile
