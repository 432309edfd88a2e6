#include "admin/exposition.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>

namespace tranter::admin {
namespace {

std::string_view type_name(Exposition::Type type) {
    switch (type) {
        case Exposition::Type::counter:
            return "counter";
        case Exposition::Type::gauge:
            return "gauge";
        case Exposition::Type::summary:
            break;
    }
    return "summary";
}

void append_label_value(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
}

}  // namespace

void Exposition::header(std::string_view name, Type type, std::string_view help) {
    fmt::format_to(
        std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type_name(type)
    );
}

void Exposition::sample(std::string_view name, Labels labels, double value) {
    out_ += name;
    char separator = '{';
    for (const auto& [label, text] : labels) {
        out_ += separator;
        out_ += label;
        out_ += "=\"";
        append_label_value(out_, text);
        out_ += '"';
        separator = ',';
    }
    if (labels.size() > 0) out_ += '}';
    // Counters stay readable: whole numbers without an exponent.
    if (std::abs(value) < 9e15 && value == std::floor(value)) {
        fmt::format_to(std::back_inserter(out_), " {}\n", static_cast<std::int64_t>(value));
    } else {
        fmt::format_to(std::back_inserter(out_), " {}\n", value);
    }
}

}  // namespace tranter::admin
