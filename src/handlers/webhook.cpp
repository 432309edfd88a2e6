#include "handlers/webhook.hpp"

#include "base/digest.hpp"
#include "base/encoding.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::handlers {
namespace {

constexpr std::string_view secret_prefix = "whsec_";
constexpr std::size_t key_bytes_min = 24;
constexpr std::size_t key_bytes_max = 64;
constexpr int signatures_max = 16;

std::string sign(
    const WebhookSecret& secret,
    std::string_view id,
    std::string_view timestamp,
    std::string_view body
) {
    std::string content;
    content.reserve(id.size() + timestamp.size() + body.size() + 2);
    content.append(id).append(1, '.').append(timestamp).append(1, '.').append(body);
    const auto digest = hmac_sha256(secret.key(), content);
    return "v1," + to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::unexpected<Error> refused(std::string what) {
    return fail(Errc::unauthenticated, std::move(what));
}

}  // namespace

Result<WebhookSecret> WebhookSecret::parse(std::string_view text) {
    if (!text.starts_with(secret_prefix)) {
        return fail(Errc::invalid_argument, "the webhook secret does not begin with whsec_");
    }
    auto key = from_base64(text.substr(secret_prefix.size()));
    if (!key) {
        return fail(Errc::invalid_argument, "the webhook secret is not base64 after whsec_");
    }
    if (key->size() < key_bytes_min || key->size() > key_bytes_max) {
        return fail(
            Errc::invalid_argument,
            "the webhook secret has " + std::to_string(key->size()) + " bytes, it needs 24 to 64"
        );
    }
    WebhookSecret secret;
    secret.key_ = std::move(*key);
    return secret;
}

std::string webhook_signature(
    std::span<const WebhookSecret> secrets,
    std::string_view id,
    std::int64_t timestamp,
    std::string_view body
) {
    std::string out;
    for (const WebhookSecret& secret : secrets) {
        if (!out.empty()) out += ' ';
        out += sign(secret, id, std::to_string(timestamp), body);
    }
    return out;
}

Result<> verify_webhook(
    std::span<const WebhookSecret> secrets,
    const WebhookHeaders& headers,
    std::string_view body,
    Instant now,
    Duration tolerance
) {
    if (headers.id.empty()) return refused("the header webhook-id is missing");
    std::int64_t timestamp = 0;
    const auto* end = headers.timestamp.data() + headers.timestamp.size();
    const auto read = std::from_chars(headers.timestamp.data(), end, timestamp);
    if (read.ec != std::errc{} || read.ptr != end || timestamp < 0) {
        return refused("the header webhook-timestamp is no number of seconds");
    }
    const std::int64_t distance = unix_seconds(now) - timestamp;
    const auto allowed = std::chrono::duration_cast<std::chrono::seconds>(tolerance).count();
    if (distance > allowed || distance < -allowed) {
        return refused("the header webhook-timestamp is too far from now");
    }
    std::string_view rest = headers.signature;
    for (int i = 0; i < signatures_max && !rest.empty(); ++i) {
        const std::string_view one = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        if (!one.starts_with("v1,")) continue;
        for (const WebhookSecret& secret : secrets) {
            const auto right = sign(secret, headers.id, headers.timestamp, body);
            if (equal_in_constant_time(one, right)) return {};
        }
    }
    return refused("the header webhook-signature has no signature of this body");
}

}  // namespace tranter::handlers
