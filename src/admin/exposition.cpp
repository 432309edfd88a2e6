#include "admin/exposition.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>

namespace tranter::admin {
namespace {

std::string_view type_name(Exposition::Type type, bool openmetrics) {
    switch (type) {
        case Exposition::Type::info:
            return openmetrics ? "info" : "gauge";
        case Exposition::Type::counter:
            return "counter";
        case Exposition::Type::gauge:
            return "gauge";
        case Exposition::Type::histogram:
            return "histogram";
        case Exposition::Type::summary:
            break;
    }
    return "summary";
}

/// In OpenMetrics the ending belongs to the samples.
std::string_view family_name(std::string_view name, Exposition::Type type) {
    const std::string_view ending = type == Exposition::Type::counter ? "_total"
                                    : type == Exposition::Type::info  ? "_info"
                                                                      : "";
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
    return name;
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

/// `a="b",c="d"`
void append_labels(std::string& out, Exposition::Labels labels) {
    std::string_view separator;
    for (const auto& [label, text] : labels) {
        out.append(separator).append(label).append("=\"");
        append_label_value(out, text);
        out += '"';
        separator = ",";
    }
}

}  // namespace

void Exposition::header(std::string_view name, Type type, std::string_view help) {
    if (is_openmetrics()) name = family_name(name, type);
    fmt::format_to(
        std::back_inserter(out_),
        "# HELP {} {}\n# TYPE {} {}\n",
        name,
        help,
        name,
        type_name(type, is_openmetrics())
    );
}

void Exposition::finish() {
    if (is_openmetrics()) out_ += "# EOF\n";
}

void Exposition::sample(std::string_view name, Labels labels, double number) {
    out_ += name;
    if (labels.size() > 0) {
        out_ += '{';
        append_labels(out_, labels);
        out_ += '}';
    }
    value(number);
}

void Exposition::figure(std::string_view name, Type type, std::string_view help, double number) {
    header(name, type, help);
    sample(name, {}, number);
}

void Exposition::value(double value) {
    // Counters stay readable: whole numbers without an exponent.
    if (std::abs(value) < 9e15 && value == std::floor(value)) {
        fmt::format_to(std::back_inserter(out_), " {}\n", static_cast<std::int64_t>(value));
    } else {
        fmt::format_to(std::back_inserter(out_), " {}\n", value);
    }
}

void Exposition::histogram(
    std::string_view name,
    Labels labels,
    std::span<const double> bounds,
    std::span<const std::uint64_t> counts,
    double sum
) {
    std::string text;
    append_labels(text, labels);
    const std::string_view separator = text.empty() ? "" : ",";
    const std::string all = text.empty() ? std::string() : '{' + text + '}';
    std::uint64_t total = 0;
    const auto out = std::back_inserter(out_);
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        total += counts[i];
        // OpenMetrics wants bounds to look like floats, Prometheus as Go writes them.
        const bool is_whole = is_openmetrics() && bounds[i] == std::floor(bounds[i]);
        fmt::format_to(
            out,
            "{}_bucket{{{}{}le=\"{}{}\"}} {}\n",
            name,
            text,
            separator,
            bounds[i],
            is_whole ? ".0" : "",
            total
        );
    }
    total += counts.back();
    fmt::format_to(out, "{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, text, separator, total);
    fmt::format_to(out, "{}_sum{} {}\n{}_count{} {}\n", name, all, sum, name, all, total);
}

}  // namespace tranter::admin
