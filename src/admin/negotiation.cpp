#include "admin/negotiation.hpp"

#include "http/text.hpp"

#include <algorithm>
#include <charconv>

namespace tranter::admin {
namespace {

constexpr std::string_view white_space = " \t";
constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(white_space);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

/// What stands before the next separator, which is cut off with it.
std::string_view cut_part(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view part = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return part;
}

/// One element of Accept.
struct AcceptedType {
    std::string_view type{};
    std::string_view version{};
    double weight = 1;
};

AcceptedType read_accepted(std::string_view element) {
    AcceptedType accepted{.type = cut_part(element, ';')};
    while (!element.empty()) {
        std::string_view value = cut_part(element, ';');
        const std::string_view name = cut_part(value, '=');
        value = trimmed(value);
        if (name == "version") accepted.version = value;
        if (name != "q") continue;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), accepted.weight);
        if (error != std::errc()) accepted.weight = 0;
    }
    return accepted;
}

}  // namespace

Exposition::Format format_for(std::string_view accept) {
    double openmetrics = 0;
    double text = 0;
    double anything = 0;
    while (!accept.empty()) {
        const AcceptedType one = read_accepted(cut_part(accept, ','));
        if (http::same_ignoring_case(one.type, "application/openmetrics-text")) {
            const bool is_ours = one.version.empty() || one.version == "1.0.0";
            if (is_ours) openmetrics = std::max(openmetrics, one.weight);
        } else if (http::same_ignoring_case(one.type, "text/plain")) {
            text = std::max(text, one.weight);
        } else if (one.type == "*/*" || one.type == "text/*") {
            anything = std::max(anything, one.weight);
        }
    }
    // Who names a format means it more than who takes any, at the same weight.
    const bool is_preferred = openmetrics > text && openmetrics >= anything;
    return openmetrics > 0 && is_preferred ? Exposition::Format::openmetrics
                                           : Exposition::Format::prometheus;
}

RenderedMetrics render_for(
    const http::Request& request, const std::function<void(Exposition&)>& render
) {
    const Exposition::Format format = format_for(request.header("Accept").value_or(""));
    const bool is_openmetrics = format == Exposition::Format::openmetrics;
    RenderedMetrics out{.content_type = is_openmetrics ? openmetrics_type : prometheus_type};
    Exposition exposition(out.body, format);
    render(exposition);
    exposition.finish();
    return out;
}

}  // namespace tranter::admin
