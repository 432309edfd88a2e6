#pragma once

#include "admin/exposition.hpp"

#include <tranter/connection_metrics.hpp>

#include <span>
#include <string_view>

namespace tranter::admin {

struct StoreConnections {
    std::string_view store{};  // what it is to the role: "jobs", "source"
    ConnectionMetrics counts{};
};

/// Nothing where there is none.
void render_connections(Exposition& out, std::span<const StoreConnections> stores);

}  // namespace tranter::admin
