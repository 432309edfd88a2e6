#pragma once

#include "http/server.hpp"

#include <string>
#include <string_view>

namespace tranter::http {

/// What the guard looks at in a request.
struct BrowserFacts {
    std::string_view method;
    std::string_view host;              // empty: HTTP/1.0 without Host
    std::string_view target_authority;  // of an absolute-form target, else empty
    bool has_origin = false;
    std::string_view origin{};
    std::string_view fetch_site{};  // Sec-Fetch-Site, empty for absent
};

struct BrowserVerdict {
    int status = 0;  // 0: let it pass
    std::string_view text{};
};

/// Protects a server on a loopback port from the pages of its user's browser: a page elsewhere
/// that posts forms to it, and a page whose own name was rebound to 127.0.0.1. Every method is
/// checked, because handlers forget one.
BrowserVerdict check_browser(const BrowserFacts& facts, const BrowserRules& rules);

/// check_browser() for many requests of one thread. Nearly all name the same host, so it remembers
/// the one that passed last.
class BrowserGuard {
  public:
    /// The rules outlive the guard and do not change.
    explicit BrowserGuard(const BrowserRules& rules) : rules_(rules) {}

    BrowserVerdict check(const BrowserFacts& facts);

  private:
    const BrowserRules& rules_;
    std::string allowed_host_;
};

/// IP literal, localhost, a name without dots, or one the rules allow (exactly or by "*.suffix").
/// `authority` may carry a port.
bool host_allowed(std::string_view authority, const BrowserRules& rules);

/// Configured by BrowserRules::cors_origins.
bool origin_configured(std::string_view origin, const BrowserRules& rules);

/// Header lines for an answer to a configured origin. Never a word about private networks.
std::string cors_lines(std::string_view origin, const BrowserRules& rules);

/// Further lines that answer a preflight. `requested_headers` comes from the browser and is
/// repeated only if it is a plain list of names.
std::string preflight_lines(std::string_view requested_headers);

}  // namespace tranter::http
