#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Signatures of Standard Webhooks 1.0 (standardwebhooks.com), symmetric: HMAC-SHA256 over
/// `id.timestamp.body`, shown as `v1,BASE64`.
namespace tranter::handlers {

/// A secret to sign with. Never printed.
class WebhookSecret {
  public:
    /// "whsec_" and base64 of 24 to 64 bytes. `invalid_argument` does not repeat the text.
    [[nodiscard]] static Result<WebhookSecret> parse(std::string_view text);

    std::string_view key() const { return key_; }

  private:
    std::string key_;
};

/// One signature for each secret, separated by blanks, so that a receiver can change from one to
/// the other: the value of the header `webhook-signature`.
std::string webhook_signature(
    std::span<const WebhookSecret> secrets,
    std::string_view id,
    std::int64_t timestamp,
    std::string_view body
);

struct WebhookHeaders {
    std::string_view id{};         // webhook-id
    std::string_view timestamp{};  // webhook-timestamp, seconds since 1970
    std::string_view signature{};  // webhook-signature
};

/// For receivers: whether one of the signatures is right and the timestamp is within `tolerance` of
/// now, before or after. `unauthenticated` says which of them is wrong, never what would be right.
[[nodiscard]] Result<> verify_webhook(
    std::span<const WebhookSecret> secrets,
    const WebhookHeaders& headers,
    std::string_view body,
    Instant now,
    Duration tolerance = std::chrono::minutes(5)
);

}  // namespace tranter::handlers
