#pragma once

#include <tranter/provider.hpp>

#include <memory>
#include <string_view>

namespace tranter::providers {

/// Jobs on a Tranter server, over its Jobs API:
///
///     http://127.0.0.1:9325        https://jobs.example.com/tranter
///
/// Nothing is sent before the first call, and the server need not be there yet. Each call uses a
/// kept-alive connection of its own while it lasts.
///
/// Calls that can be repeated safely are, when no answer came: enqueues carry ids made here, so a
/// repeated one finds its jobs there; settlements carry a key under which the server remembers its
/// answer. What is not repeated: append_log(), cancel(), retry() and promote().
///
/// `invalid_argument` for a URL with a user name, a query or another scheme.
[[nodiscard]] Result<std::shared_ptr<Provider>> make_http_provider(
    std::string_view url, const ProviderOptions& options = {}
);

}  // namespace tranter::providers
