#pragma once

#include "base/json_writer.hpp"
#include "http/message.hpp"

#include <tranter/job.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Health as whoever supervises a process asks for it. What is checked is known already when a
/// request comes: nothing is done for one.
namespace tranter::admin {

enum class Health : std::uint8_t { ok, degraded, fail };
std::string_view health_name(Health health);

/// One thing that has to be well.
struct HealthCheck {
    std::string_view name;
    Health health = Health::ok;
    std::string reason{};  // why it is not ok
    std::optional<double> latency_ms{};
    std::string last_error{};     // may be over since
    std::string last_error_at{};  // RFC 3339
};

/// The worst of them.
Health worst_of(std::span<const HealthCheck> checks);

/// As /readyz answers: 503 when one fails. The text is "ok" or the reasons, and with `?verbose` a
/// line for each check; `?exclude=NAME` leaves one out.
http::Response readiness(std::span<const HealthCheck> checks, std::string_view query);

/// An element of the list of checks, which `more` adds members to.
template <class More>
void write_check(JsonWriter& json, const HealthCheck& check, More more) {
    json.begin_object().member("name", check.name).member("status", health_name(check.health));
    if (!check.reason.empty()) json.member("reason", check.reason);
    if (check.latency_ms) json.member("latency_ms", *check.latency_ms);
    if (!check.last_error.empty()) {
        json.member("last_error", check.last_error).member("last_error_at", check.last_error_at);
    }
    more(json);
    json.end_object();
}

/// As HealthCheck::last_error_at has it, to the second.
std::string time_of_check(TimePoint when);

/// Never kept by anybody on the way.
http::Response health_reply(int status, std::string_view content_type, std::string body);

}  // namespace tranter::admin
