#include "http/message.hpp"

#include "http/text.hpp"

#include <algorithm>

namespace tranter::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (const Header& each : headers) {
        if (same_ignoring_case(each.name, name)) return each.value;
    }
    return std::nullopt;
}

std::size_t Request::count(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count_if(headers, [name](const Header& each) {
        return same_ignoring_case(each.name, name);
    }));
}

}  // namespace tranter::http
