#include "handlers/result_text.hpp"

#include "base/encoding.hpp"

#include <tranter/json.hpp>
#include <tranter/outcome.hpp>
#include <tranter/payload.hpp>

namespace tranter::handlers {

AttemptOutcome completed_with_text(std::string_view text) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) return Completed{};
    text = text.substr(0, end + 1);
    if (auto json = Json::parse(text)) return detail::completed_with(json->text());
    if (!is_valid_utf8(text)) {
        return Dead{.type = "result", .reason = "the output is neither JSON nor text in UTF-8"};
    }
    return detail::completed_with(to_json(text));
}

AttemptOutcome stopped_outcome(const Context& context) {
    switch (context.stop_reason()) {
        case StopReason::cancelled:
            return Stopped{};
        case StopReason::timeout:
            return Failed{.type = "timeout", .text = "took too long"};
        case StopReason::none:
        case StopReason::shutdown:
        case StopReason::lease_lost:
        case StopReason::decided:
            break;
    }
    return Released{};
}

}  // namespace tranter::handlers
