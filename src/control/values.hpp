#pragma once

#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "base/time.hpp"
#include "control/members.hpp"

#include <simdjson.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Values of the protocol as JSON, by the names that members.hpp gives. For codec.cpp.
namespace tranter::control {

class ValueWriter {
  public:
    explicit ValueWriter(std::string& out) : json_(out) {}

    template <class T>
    void operator()(std::string_view name, const T& value) {
        json_.key(name);
        write(value);
    }

    template <class T>
    void write(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            json_.value(EnumNames<T>::all.at(static_cast<std::size_t>(value)));
        } else if constexpr (std::is_arithmetic_v<T>) {
            json_.value(value);
        } else {
            json_.begin_object();
            visit_members(*this, value);
            json_.end_object();
        }
    }
    /// Paths, variables and output are bytes and need not be text.
    void write(const std::string& text) {
        if (is_valid_utf8(text)) {
            json_.value(text);
        } else {
            json_.begin_object().member("base64", to_base64(text)).end_object();
        }
    }
    void write(Duration duration) { json_.value(std::int64_t{duration.count()}); }
    void write(Instant instant) { write(instant.time_since_epoch()); }
    template <class T>
    void write(const std::optional<T>& value) {
        if (value) {
            write(*value);
        } else {
            json_.null();
        }
    }
    template <class T>
    void write(const std::vector<T>& values) {
        json_.begin_array();
        for (const T& value : values)
            write(value);
        json_.end_array();
    }
    void write(const std::pair<std::string, std::string>& pair) {
        json_.begin_array();
        write(pair.first);
        write(pair.second);
        json_.end_array();
    }

    JsonWriter& json() { return json_; }

  private:
    JsonWriter json_;
};

/// Members that are missing stay as they are, those that are not known are passed over: the two
/// sides may be of different versions.
class ValueReader {
  public:
    using Element = simdjson::dom::element;

    explicit ValueReader(const simdjson::dom::object& object) : object_(object) {}

    template <class T>
    void operator()(std::string_view name, T& value) {
        if (!problem_.empty()) return;
        Element element;
        if (object_[name].get(element) != simdjson::SUCCESS) return;
        problem_ = read(element, value);
        if (!problem_.empty())
            problem_ = std::string(name) + (problem_[0] == ' ' ? "" : ".") + problem_;
    }

    /// Empty: all is well. Begins with a blank, or with the name of a member.
    template <class T>
    static std::string read(const Element& element, T& value) {
        if constexpr (std::is_enum_v<T>) {
            std::string_view text;
            if (element.get(text) != simdjson::SUCCESS) return " is no text";
            const auto& names = EnumNames<T>::all;
            const auto found = std::ranges::find(names, text);
            if (found == names.end()) return " is not known: " + std::string(text.substr(0, 40));
            value = static_cast<T>(found - names.begin());
        } else if constexpr (std::same_as<T, bool> || std::same_as<T, double>) {
            if (element.get(value) != simdjson::SUCCESS) return " is of another type";
        } else if constexpr (std::is_unsigned_v<T>) {
            return read_integer<std::uint64_t>(element, value);
        } else if constexpr (std::is_integral_v<T>) {
            return read_integer<std::int64_t>(element, value);
        } else {
            simdjson::dom::object object;
            if (element.get(object) != simdjson::SUCCESS) return " is no object";
            ValueReader reader(object);
            visit_members(reader, value);
            return std::move(reader.problem_);
        }
        return {};
    }
    static std::string read(const Element& element, std::string& text) {
        std::string_view view;
        if (element.get(view) == simdjson::SUCCESS) {
            text = view;
            return {};
        }
        simdjson::dom::object object;
        if (element.get(object) != simdjson::SUCCESS ||
            object["base64"].get(view) != simdjson::SUCCESS) {
            return " is no text";
        }
        auto bytes = from_base64(view);
        if (!bytes) return " is no base64";
        text = std::move(*bytes);
        return {};
    }
    static std::string read(const Element& element, Duration& duration) {
        std::int64_t count = 0;
        auto problem = read(element, count);
        if (problem.empty()) duration = Duration(count);
        return problem;
    }
    static std::string read(const Element& element, Instant& instant) {
        Duration since{};
        auto problem = read(element, since);
        if (problem.empty()) instant = Instant(since);
        return problem;
    }
    template <class T>
    static std::string read(const Element& element, std::optional<T>& value) {
        value.reset();
        if (element.is_null()) return {};
        return read(element, value.emplace());
    }
    template <class T>
    static std::string read(const Element& element, std::vector<T>& values) {
        simdjson::dom::array array;
        if (element.get(array) != simdjson::SUCCESS) return " is no list";
        values.clear();
        for (const Element one : array) {
            if (auto problem = read(one, values.emplace_back()); !problem.empty()) return problem;
        }
        return {};
    }
    static std::string read(const Element& element, std::pair<std::string, std::string>& pair) {
        simdjson::dom::array array;
        if (element.get(array) != simdjson::SUCCESS || array.size() != 2) return " is no pair";
        auto problem = read(array.at(0).value_unsafe(), pair.first);
        return problem.empty() ? read(array.at(1).value_unsafe(), pair.second) : problem;
    }

  private:
    template <class Wide, class T>
    static std::string read_integer(const Element& element, T& value) {
        Wide wide = 0;
        if (element.get(wide) != simdjson::SUCCESS) return " is no whole number in its range";
        if (!std::in_range<T>(wide)) return " is out of range: " + std::to_string(wide);
        value = static_cast<T>(wide);
        return {};
    }

    const simdjson::dom::object& object_;
    std::string problem_{};
};

}  // namespace tranter::control
