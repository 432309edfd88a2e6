#include <tranter/format.hpp>

#include <fmt/format.h>

#include <iterator>

namespace tranter::detail {

std::string format_values(std::string_view text, std::span<const FormatValue> values) {
    std::string out;
    out.reserve(text.size() + 16 * values.size());
    while (true) {
        const std::size_t brace = text.find_first_of("{}");
        out += text.substr(0, brace);
        if (brace == std::string_view::npos) return out;
        const bool is_place = text.substr(brace).starts_with("{}");
        if (is_place && !values.empty()) {
            std::visit(
                [&](const auto& value) { fmt::format_to(std::back_inserter(out), "{}", value); },
                values.front().value()
            );
            values = values.subspan(1);
        } else {
            out += text[brace];
        }
        text.remove_prefix(std::min(brace + 2, text.size()));
    }
}

}  // namespace tranter::detail
