#include "jobs/value_path.hpp"

#include "base/json_writer.hpp"

#include <algorithm>

namespace tranter::jobs {

namespace {

constexpr std::size_t name_bytes_max = 64;

bool is_plain(std::string_view name) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    return !name.empty() && std::all_of(name.begin(), name.end(), plain);
}

}  // namespace

std::string ValuePath::text() const {
    std::string out = "$";
    for (const Step& step : steps_) {
        if (step.is_index) {
            out.append("[").append(std::to_string(step.index)).append("]");
        } else if (is_plain(step.name)) {
            out.append(".").append(shortened(step.name, name_bytes_max));
        } else {
            out += '[';
            append_json_string(out, shortened(step.name, name_bytes_max));
            out += ']';
        }
    }
    return out;
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string(text);
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80)
        --end;
    return std::string(text.substr(0, end)).append("...");
}

}  // namespace tranter::jobs
