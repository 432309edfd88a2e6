#pragma once

#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "sqs/input.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Everything that an Input can say, read into values, and written again in either protocol: the
/// oracle of the codec fuzz targets is that the other protocol reads the same.
namespace tranter::fuzz {

struct Parameters {
    struct Number {
        bool valid = false;
        std::int64_t value = 0;

        bool operator==(const Number&) const = default;
    };
    struct Attribute {
        std::string name;
        std::optional<std::string> type;
        std::optional<std::string> string_value;
        std::optional<std::string> binary_value;
        bool has_list = false;

        bool operator==(const Attribute&) const = default;
    };
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    Pairs texts;
    std::vector<std::pair<std::string, Number>> numbers;
    std::vector<std::string> list;
    Pairs map;
    std::vector<Attribute> attributes;
    std::vector<Parameters> entries;

    bool operator==(const Parameters&) const = default;
};

inline constexpr std::string_view text_names[] = {"QueueUrl", "QueueName", "MessageBody", "Id"};
inline constexpr std::string_view number_names[] = {"DelaySeconds", "MaxResults"};
inline constexpr sqs::ListName list_name{"AttributeNames", "AttributeName"};
inline constexpr sqs::MapName map_name{"Attributes", "Attribute"};
inline constexpr sqs::MapName attributes_name{"MessageAttributes", "MessageAttribute"};
inline constexpr sqs::ListName entries_name{"Entries", "SendMessageBatchRequestEntry"};

inline std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional(std::string(*text)) : std::nullopt;
}

inline Parameters read_parameters(sqs::Input& input, bool with_entries = true) {
    Parameters all;
    for (const std::string_view name : text_names) {
        if (const auto text = input.text(name)) all.texts.emplace_back(name, *text);
    }
    for (const std::string_view name : number_names) {
        const auto number = input.integer(name);
        if (!number) continue;
        all.numbers.emplace_back(
            name, Parameters::Number{number->valid, number->valid ? number->value : 0}
        );
    }
    for (const std::string_view text : input.list(list_name))
        all.list.emplace_back(text);
    for (const auto& [name, value] : input.map(map_name))
        all.map.emplace_back(name, value);
    for (const sqs::AttributeInput& attribute : input.attributes(attributes_name)) {
        all.attributes.push_back({
            std::string(attribute.name),
            owned(attribute.type),
            owned(attribute.string_value),
            owned(attribute.binary_value),
            attribute.has_list,
        });
    }
    if (!with_entries) return all;
    input.entries(entries_name, sqs::items_max, [&](sqs::Input& entry) {
        all.entries.push_back(read_parameters(entry, false));
    });
    return all;
}

inline void write_json(JsonWriter& json, const Parameters& all) {
    json.begin_object();
    for (const auto& [name, text] : all.texts)
        json.member(name, text);
    for (const auto& [name, number] : all.numbers) {
        json.key(name);
        if (number.valid) {
            json.value(number.value);
        } else {
            json.value("not a number");
        }
    }
    json.key(list_name.json).begin_array();
    for (const std::string& text : all.list)
        json.value(text);
    json.end_array().key(map_name.json).begin_object();
    for (const auto& [name, value] : all.map)
        json.member(name, value);
    json.end_object().key(attributes_name.json).begin_object();
    for (const Parameters::Attribute& attribute : all.attributes) {
        json.key(attribute.name).begin_object();
        if (attribute.type) json.member("DataType", *attribute.type);
        if (attribute.string_value) json.member("StringValue", *attribute.string_value);
        if (attribute.binary_value) json.member("BinaryValue", *attribute.binary_value);
        if (attribute.has_list) json.key("StringListValues").begin_array().value("x").end_array();
        json.end_object();
    }
    json.end_object().key(entries_name.json).begin_array();
    for (const Parameters& entry : all.entries)
        write_json(json, entry);
    json.end_array().end_object();
}

class FormWriter {
  public:
    void write(const Parameters& all, const std::string& prefix = "") {
        for (const auto& [name, text] : all.texts)
            add(prefix + name, text);
        for (const auto& [name, number] : all.numbers) {
            add(prefix + name, number.valid ? std::to_string(number.value) : "not a number");
        }
        for (std::size_t i = 0; i < all.list.size(); ++i) {
            add(numbered(prefix, list_name.query, i), all.list[i]);
        }
        for (std::size_t i = 0; i < all.map.size(); ++i) {
            const std::string name = numbered(prefix, map_name.query, i);
            add(name + ".Name", all.map[i].first);
            add(name + ".Value", all.map[i].second);
        }
        for (std::size_t i = 0; i < all.attributes.size(); ++i) {
            const Parameters::Attribute& attribute = all.attributes[i];
            const std::string name = numbered(prefix, attributes_name.query, i);
            add(name + ".Name", attribute.name);
            if (attribute.type) add(name + ".Value.DataType", *attribute.type);
            if (attribute.string_value) add(name + ".Value.StringValue", *attribute.string_value);
            if (attribute.binary_value) add(name + ".Value.BinaryValue", *attribute.binary_value);
            if (attribute.has_list) add(name + ".Value.StringListValue.1", "x");
        }
        for (std::size_t i = 0; i < all.entries.size(); ++i) {
            const std::string entry = numbered(prefix, entries_name.query, i) + ".";
            add(entry + "Marker", "");  // so that an entry that says nothing is one all the same
            write(all.entries[i], entry);
        }
    }

    std::string form;

  private:
    /// Sparse on purpose: only the order of the numbers counts.
    static std::string numbered(
        const std::string& prefix, std::string_view name, std::size_t index
    ) {
        return prefix + std::string(name) + "." + std::to_string(index * 3 + 1);
    }
    void add(std::string_view name, std::string_view value) {
        if (!form.empty()) form += '&';
        append_percent_encoded(form, name);
        form += '=';
        append_percent_encoded(form, value);
    }
};

}  // namespace tranter::fuzz
