#pragma once

#include "base/time.hpp"
#include "handlers/webhook.hpp"
#include "http/address_rules.hpp"

#include <tranter/registry.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::handlers {

struct HttpOptions {
    std::string url{};  // http or https
    /// Sent beside ours, such as an Authorization.
    std::vector<std::pair<std::string, std::string>> headers{};
    std::vector<WebhookSecret> secrets{};  // none: not signed
    http::AddressRules addresses{};
    Duration timeout = std::chrono::seconds(30);  // of a request
};

/// An HTTP endpoint that does the jobs. Each run is a POST of the job as JSON:
///
///     {"id":..., "queue":..., "type":..., "payload":..., "attempt":1, "max_attempts":25, "run":1,
///      "runs":1, "group":"", "tags":[], "created_at":"..."}
///
/// with the headers of Standard Webhooks: webhook-id is the id of the job, with its attempt and run
/// (the same again when a request is repeated within an attempt), so that a receiver can recognise
/// what it has done already.
///
/// | the answer | the attempt is |
/// |---|---|
/// | 2xx | completed; the body is the result: JSON, or else text |
/// | 2xx with more than result_bytes_max | dead ("result_too_large"): it was done |
/// | 408, 425, 429, 5xx | failed; Retry-After says when to try again, from a second to a day |
/// | 3xx, other 4xx | dead; redirects are not followed |
/// | none, or what is no HTTP | failed |
/// | an address that may not be connected to | dead |
///
/// Throws Exception (`invalid_argument`) for a URL that cannot be one.
[[nodiscard]] RunHandler make_http_handler(
    HttpOptions options, std::function<Instant()> wall_clock = &SteadyClock::wall_clock
);

}  // namespace tranter::handlers
