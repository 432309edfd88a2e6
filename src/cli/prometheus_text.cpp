#include "cli/prometheus_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>

namespace tranter::cli {

namespace {

std::optional<double> read_sample_value(std::string_view text) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Labels of one sample, by name, and what follows them. Nothing when they are not well formed.
struct Sample {
    std::map<std::string, std::string, std::less<>> labels{};
    std::string_view value{};
};

/// `text` begins behind an opening quote; takes it away up to the closing one.
std::optional<std::string> take_quoted(std::string_view& text) {
    std::string value;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '"') {
            text.remove_prefix(at + 1);
            return value;
        }
        if (text[at] == '\\' && ++at < text.size()) {
            value += text[at] == 'n' ? '\n' : text[at];
        } else if (at < text.size()) {
            value += text[at];
        }
    }
    return std::nullopt;
}

/// `text` begins behind the opening brace.
std::optional<Sample> read_sample(std::string_view text) {
    Sample sample;
    while (!text.starts_with('}')) {
        const std::size_t name_end = text.find("=\"");
        if (name_end == std::string_view::npos) return std::nullopt;
        const std::string name(text.substr(0, name_end));
        text.remove_prefix(name_end + 2);
        auto value = take_quoted(text);
        if (!value) return std::nullopt;
        sample.labels[name] = std::move(*value);
        if (text.starts_with(',')) text.remove_prefix(1);
    }
    text.remove_prefix(1);
    if (!text.starts_with(' ')) return std::nullopt;
    text.remove_prefix(1);
    // A moment or an exemplar may follow.
    sample.value = text.substr(0, text.find(' '));
    return sample;
}

}  // namespace

std::map<std::string, CumulativeBuckets, std::less<>> read_histogram(
    std::string_view metrics, std::string_view name, std::string_view label
) {
    const std::string begin = std::string(name) + "_bucket{";
    std::map<std::string, CumulativeBuckets, std::less<>> found;
    while (!metrics.empty()) {
        const std::size_t end = std::min(metrics.find('\n'), metrics.size());
        const std::string_view line = metrics.substr(0, end);
        metrics.remove_prefix(std::min(end + 1, metrics.size()));
        if (!line.starts_with(begin)) continue;
        const auto sample = read_sample(line.substr(begin.size()));
        if (!sample) continue;
        const auto of = sample->labels.find(label);
        const auto bound = sample->labels.find("le");
        if (of == sample->labels.end() || bound == sample->labels.end()) continue;
        const auto upper = read_sample_value(bound->second);
        const auto count = read_sample_value(sample->value);
        if (upper && count) found[of->second].emplace_back(*upper, *count);
    }
    for (auto& [value, buckets] : found)
        std::ranges::sort(buckets);
    return found;
}

std::optional<double> percentile_between(
    const CumulativeBuckets& before, const CumulativeBuckets& now, double share
) {
    const bool comparable = before.size() == now.size();
    const auto count_at = [&](std::size_t i) {
        return now[i].second - (comparable ? before[i].second : 0);
    };
    if (now.empty() || !(count_at(now.size() - 1) > 0)) return std::nullopt;
    const double wanted = share * count_at(now.size() - 1);
    double lower = 0;
    double below = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
        const double upper = now[i].first;
        const double count = count_at(i);
        if (count >= wanted && count > below) {
            // Of what is above all bounds nothing is known but that.
            if (!std::isfinite(upper)) return lower;
            return lower + (upper - lower) * std::max(0.0, wanted - below) / (count - below);
        }
        lower = upper;
        below = std::max(below, count);
    }
    return lower;
}

}  // namespace tranter::cli
