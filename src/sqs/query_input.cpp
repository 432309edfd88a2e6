#include "sqs/query_input.hpp"

#include "base/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

namespace tranter::sqs {

namespace {

constexpr std::size_t number_digits_max = 9;

Failure malformed(std::string message) {
    return {Code::malformed_query_string, std::move(message)};
}

std::size_t count_digits(std::string_view text) {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9')
        ++count;
    return count;
}

}  // namespace

Outcome<QueryForm> QueryForm::parse(std::string_view body, std::string_view query) {
    QueryForm form;
    form.decoded_ = std::make_unique_for_overwrite<char[]>(body.size() + query.size());
    form.free_ = form.decoded_.get();
    for (const std::string_view part : {body, query}) {
        if (Outcome<> added = form.add(part); !added) return Failed(std::move(added.error()));
    }
    return form;
}

Outcome<> QueryForm::add(std::string_view form) {
    while (!form.empty()) {
        const std::string_view piece = form.substr(0, form.find('&'));
        form.remove_prefix(std::min(form.size(), piece.size() + 1));
        if (piece.empty()) continue;
        if (parameters_.size() == parameters_max) {
            return Failed(
                malformed(fmt::format("The request has more than {} parameters.", parameters_max))
            );
        }
        const std::size_t equals = piece.find('=');
        const auto name = decode(piece.substr(0, equals));
        const auto value = equals == std::string_view::npos ? std::optional(std::string_view())
                                                            : decode(piece.substr(equals + 1));
        if (!name || !value) {
            return Failed(malformed("The request has a percent sign without two digits."));
        }
        if (!is_valid_utf8(*name)) {
            return Failed(malformed("The request has a parameter name that is not UTF-8."));
        }
        parameters_.push_back({*name, *value});
    }
    return {};
}

std::optional<std::string_view> QueryForm::decode(std::string_view text) {
    const bool plain =
        text.find('%') == std::string_view::npos && text.find('+') == std::string_view::npos;
    if (plain) return text;
    const auto size = percent_decode(text, free_, PlusSign::space);
    if (!size) return std::nullopt;
    const std::string_view decoded(free_, *size);
    free_ += *size;
    return decoded;
}

std::optional<std::string_view> QueryForm::find(std::string_view name) const {
    for (const Parameter& parameter : parameters_) {
        if (parameter.name == name) return parameter.value;
    }
    return std::nullopt;
}

std::optional<std::string_view> QueryInput::find(std::string_view name) const {
    for (const Parameter& parameter : parameters_) {
        if (parameter.name == name) return parameter.value;
    }
    return std::nullopt;
}

std::optional<std::string_view> QueryInput::text(std::string_view name) {
    const auto value = find(name);
    // Message bodies have an error of their own for this; everywhere else it cannot be meant.
    if (value && !is_valid_utf8(*value)) fail(invalid_characters());
    return value;
}

std::optional<Integer> QueryInput::integer(std::string_view name) {
    const auto value = text(name);
    if (!value || value->empty()) return std::nullopt;
    return Integer::from_text(*value);
}

std::vector<QueryInput::Numbered> QueryInput::below(std::string_view prefix) {
    std::vector<Numbered> found;
    for (const Parameter& parameter : parameters_) {
        if (!parameter.name.starts_with(prefix)) continue;
        std::string_view rest = parameter.name.substr(prefix.size());
        if (rest.empty()) {
            // "AttributeName=" is how older SDKs write an empty list.
            if (!parameter.value.empty())
                found.push_back({0, found.size(), {rest, parameter.value}});
            continue;
        }
        if (rest.front() != '.') continue;
        rest.remove_prefix(1);
        if (rest.starts_with("member.")) rest.remove_prefix(7);
        const std::size_t digits = count_digits(rest);
        const bool numbered = digits > 0 && (digits == rest.size() || rest[digits] == '.');
        std::uint64_t number = 0;
        if (numbered) {
            if (digits > number_digits_max) {
                fail(malformed(fmt::format("The number in {} is too large.", parameter.name)));
                return {};
            }
            std::from_chars(rest.data(), rest.data() + digits, number);
            rest.remove_prefix(std::min(rest.size(), digits + 1));
        }
        found.push_back({number, found.size(), {rest, parameter.value}});
    }
    std::ranges::sort(found, {}, [](const Numbered& each) {
        return std::pair(each.number, each.place);
    });
    return found;
}

std::vector<std::string_view> QueryInput::list(const ListName& name) {
    std::vector<std::string_view> texts;
    for (const Numbered& found : below(name.query)) {
        if (!found.parameter.name.empty()) continue;
        if (!is_valid_utf8(found.parameter.value)) fail(invalid_characters());
        texts.push_back(found.parameter.value);
    }
    return texts;
}

void QueryInput::each_numbered(
    std::string_view prefix, const std::function<void(std::uint64_t, QueryInput&)>& visit
) {
    const std::vector<Numbered> found = below(prefix);
    std::vector<Parameter> members;
    for (std::size_t i = 0; i < found.size();) {
        const std::uint64_t number = found[i].number;
        members.clear();
        for (; i < found.size() && found[i].number == number; ++i) {
            members.push_back(found[i].parameter);
        }
        QueryInput input(members);
        visit(number, input);
        if (input.failure()) return fail(*input.failure());
    }
}

std::vector<NamedText> QueryInput::map(const MapName& name) {
    std::vector<NamedText> entries;
    std::unordered_set<std::string_view> seen;
    each_numbered(name.query, [&](std::uint64_t number, QueryInput& members) {
        const auto key = members.text(name.key);
        if (!key) return fail(missing(fmt::format("{}.{}.{}", name.query, number, name.key)));
        if (!seen.insert(*key).second) {
            return fail(invalid_value(*key, name.query, "It occurs twice."));
        }
        entries.push_back({*key, members.text("Value").value_or(std::string_view())});
    });
    return entries;
}

std::vector<AttributeInput> QueryInput::attributes(const MapName& name) {
    std::vector<AttributeInput> attributes;
    std::unordered_set<std::string_view> seen;
    each_numbered(name.query, [&](std::uint64_t number, QueryInput& members) {
        const auto key = members.text("Name");
        if (!key) return fail(missing(fmt::format("{}.{}.Name", name.query, number)));
        if (!seen.insert(*key).second) {
            return fail(invalid_value(*key, name.query, "It occurs twice."));
        }
        attributes.push_back({
            .name = *key,
            .type = members.text("Value.DataType"),
            .string_value = members.text("Value.StringValue"),
            .binary_value = members.text("Value.BinaryValue"),
            .has_list = !members.below("Value.StringListValue").empty() ||
                        !members.below("Value.BinaryListValue").empty(),
        });
    });
    return attributes;
}

std::size_t QueryInput::entries(
    const ListName& name, std::size_t most, const std::function<void(Input&)>& visit
) {
    std::size_t count = 0;
    each_numbered(name.query, [&](std::uint64_t, QueryInput& entry) {
        if (count++ < most) visit(entry);
    });
    return count;
}

}  // namespace tranter::sqs
