#pragma once

#include "admin/exposition.hpp"
#include "http/message.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace tranter::admin {

/// What the header Accept asks for: OpenMetrics 1.0 when it names that and does not like the text
/// format of Prometheus as well or better, which everybody else gets (TELEMETRY 1).
Exposition::Format format_for(std::string_view accept);

struct RenderedMetrics {
    std::string_view content_type;
    std::string body{};
};

/// What `render` writes, in the format that the request asks for.
RenderedMetrics render_for(
    const http::Request& request, const std::function<void(Exposition&)>& render
);

}  // namespace tranter::admin
