#include "appfile/pm2_fields.hpp"

#include "appfile/words.hpp"
#include "base/duration.hpp"
#include "base/log_text.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace tranter::appfile {
namespace {

constexpr Duration duration_most = std::chrono::days(3650);
constexpr double bytes_most = 1e15;

/// A text that is a whole number is one, as values from environments are text.
std::optional<double> number_of(const Value& value) {
    if (value.number() != nullptr) return *value.number();
    if (value.text() == nullptr || value.text()->empty()) return {};
    double number = 0;
    const char* const end = value.text()->data() + value.text()->size();
    const auto read = std::from_chars(value.text()->data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(number)) return {};
    return number;
}

std::optional<std::string> text_of(const Value& value) {
    if (value.text() != nullptr) return *value.text();
    if (value.number() != nullptr) return to_text(*value.number());
    return {};
}

std::optional<std::uint64_t> bytes_of(std::string_view text) {
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || !(number >= 0)) return {};
    std::string_view unit(read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr));
    if (unit.size() > 1 && (unit.ends_with('B') || unit.ends_with('b'))) unit.remove_suffix(1);
    const auto power =
        std::string_view("KMGT").find(unit.size() == 1 ? static_cast<char>(unit[0] & ~0x20) : '-');
    if (!unit.empty() && power == std::string_view::npos) return {};
    const double bytes = unit.empty() ? number : number * std::pow(1024, double(power + 1));
    if (bytes > bytes_most) return {};
    return static_cast<std::uint64_t>(bytes);
}

}  // namespace

std::string shown(const Value& value) {
    if (value.text() != nullptr) return in_quotes(*value.text());
    if (value.number() != nullptr || value.flag() != nullptr) return to_text(value);
    return std::string(kind_of(value));
}

const Member* Fields::member(Names names) const {
    for (const std::string_view name : names) {
        const auto found = std::ranges::find(object_, name, &Member::key);
        if (found != object_.end() && !found->value.is_nothing()) return &*found;
    }
    return nullptr;
}

const Value* Fields::find(Names names) const {
    const Member* found = member(names);
    return found != nullptr ? &found->value : nullptr;
}

void Fields::refuse(std::string_view key, const Value& value, std::string_view right) {
    refuse(key, value.place, fmt::format("is {}, write {}", shown(value), right));
}

void Fields::refuse(std::string_view key, Place place, std::string_view text) {
    if (error_) return;
    std::string line = place.line > 0 ? fmt::format(":{}", place.line) : "";
    std::string all = fmt::format("{}{}: {}.{}: {}", file_, line, where_, printable(key), text);
    error_ = Error(Errc::invalid_argument, one_line(all));
}

std::optional<bool> Fields::flag(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    if (found->value.flag() != nullptr) return *found->value.flag();
    if (found->value.text() != nullptr) {
        if (*found->value.text() == "true") return true;
        if (*found->value.text() == "false") return false;
    }
    refuse(found->key, found->value, "true or false");
    return {};
}

std::optional<std::string> Fields::text(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    auto text = text_of(found->value);
    if (!text) refuse(found->key, found->value, "text in quotes");
    if (text && text->contains('\0')) {
        refuse(found->key, found->value.place, "has a zero byte, remove it");
    }
    return text;
}

std::optional<std::vector<std::string>> Fields::read_texts(const Member& member, bool divides) {
    if (const auto text = text_of(member.value); text && !text->contains('\0')) {
        if (divides) return split_words(*text);
        return std::vector<std::string>{*text};
    }
    const auto* array = member.value.array();
    if (array == nullptr) {
        refuse(member.key, member.value, "text or a list of texts");
        return {};
    }
    std::vector<std::string> out;
    for (const Value& element : *array) {
        if (element.is_nothing()) continue;
        const auto text = element.flag() != nullptr ? to_text(element) : text_of(element);
        if (!text || text->contains('\0')) {
            refuse(member.key, element, "texts in the list");
            return {};
        }
        out.push_back(*text);
    }
    return out;
}

std::optional<std::vector<std::string>> Fields::words(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    return read_texts(*found, true);
}

std::optional<std::vector<std::string>> Fields::texts(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    return read_texts(*found, false);
}

std::optional<std::int64_t> Fields::whole(Names names, std::int64_t min, std::int64_t max) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    const auto value = number_of(found->value);
    if (value && *value == std::floor(*value) && *value >= double(min) && *value <= double(max)) {
        return static_cast<std::int64_t>(*value);
    }
    refuse(found->key, found->value, fmt::format("a whole number from {} to {}", min, max));
    return {};
}

std::vector<int> Fields::wholes(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    const Value::Array alone{found->value};
    const auto* array = found->value.array();
    std::vector<int> out;
    for (const Value& element : array != nullptr ? *array : alone) {
        const auto value = number_of(element);
        if (!value || *value != std::floor(*value) || *value < 0 || *value > 255) {
            refuse(found->key, element, "numbers from 0 to 255");
            return {};
        }
        out.push_back(static_cast<int>(*value));
    }
    return out;
}

std::optional<Duration> Fields::time(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    if (const auto millis = number_of(found->value)) {
        if (*millis >= 0 && *millis * 1000 <= static_cast<double>(duration_most.count())) {
            return Duration(static_cast<Duration::rep>(*millis * 1000));
        }
    } else if (found->value.text() != nullptr) {
        const auto parsed = parse_duration(*found->value.text());
        if (parsed && *parsed <= duration_most) return *parsed;
    }
    refuse(found->key, found->value, "milliseconds, or a text like \"10s\"");
    return {};
}

std::optional<std::uint64_t> Fields::bytes(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return {};
    const auto text = text_of(found->value);
    const auto bytes = text ? bytes_of(*text) : std::nullopt;
    if (!bytes) refuse(found->key, found->value, "bytes, or a text like \"200M\"");
    return bytes;
}

const Value::Object* Fields::table(Names names) {
    const Member* found = member(names);
    if (found == nullptr) return nullptr;
    if (found->value.object() == nullptr) {
        refuse(found->key, found->value, "an object like { NAME: \"value\" }");
    }
    return found->value.object();
}

}  // namespace tranter::appfile
