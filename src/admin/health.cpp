#include "admin/health.hpp"

#include "base/encoding.hpp"
#include "jobs/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

namespace tranter::admin {
namespace {

struct ReadinessQuery {
    bool verbose = false;
    std::vector<std::string> excluded{};

    explicit ReadinessQuery(std::string_view query) {
        constexpr std::string_view exclude = "exclude=";
        while (!query.empty()) {
            const std::size_t end = query.find('&');
            const std::string_view pair = query.substr(0, end);
            query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
            if (pair == "verbose" || pair.starts_with("verbose=")) verbose = true;
            if (!pair.starts_with(exclude)) continue;
            excluded.push_back(percent_decode(pair.substr(exclude.size())).value_or(""));
        }
    }

    bool counts(const HealthCheck& check) const {
        return std::ranges::find(excluded, check.name) == excluded.end();
    }
};

std::string summary_of(std::span<const HealthCheck> checks, const ReadinessQuery& query) {
    std::string failures;
    std::string warnings;
    for (const HealthCheck& check : checks) {
        if (check.health == Health::ok || !query.counts(check)) continue;
        std::string& text = check.health == Health::fail ? failures : warnings;
        text.append(text.empty() ? "" : ", ").append(check.reason);
    }
    if (!failures.empty()) return failures + '\n';
    return warnings.empty() ? "ok\n" : "ok, " + warnings + '\n';
}

void append_line(std::string& out, const HealthCheck& check, bool counts) {
    const auto to = std::back_inserter(out);
    if (!counts) {
        fmt::format_to(to, "[ ]{} excluded\n", check.name);
        return;
    }
    const char sign = check.health == Health::fail ? '-' : '+';
    fmt::format_to(to, "[{}]{} {}", sign, check.name, health_name(check.health));
    if (!check.reason.empty()) fmt::format_to(to, ": {}", check.reason);
    if (check.latency_ms) fmt::format_to(to, ", {} ms", *check.latency_ms);
    if (!check.last_error.empty()) {
        fmt::format_to(to, ", last error at {}: {}", check.last_error_at, check.last_error);
    }
    out += '\n';
}

}  // namespace

std::string_view health_name(Health health) {
    switch (health) {
        case Health::ok:
            return "ok";
        case Health::degraded:
            return "degraded";
        case Health::fail:
            break;
    }
    return "fail";
}

Health worst_of(std::span<const HealthCheck> checks) {
    Health worst = Health::ok;
    for (const HealthCheck& check : checks)
        worst = std::max(worst, check.health);
    return worst;
}

std::string time_of_check(TimePoint when) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when.time_since_epoch());
    return jobs::time_text(seconds.count(), {1, 1}).value_or("");
}

http::Response health_reply(int status, std::string_view content_type, std::string body) {
    return {
        .status = status,
        .content_type = content_type,
        .headers = "Cache-Control: no-store\r\n",
        .body = std::move(body)};
}

http::Response readiness(std::span<const HealthCheck> checks, std::string_view query) {
    const ReadinessQuery asked(query);
    std::string lines;
    bool ready = true;
    for (const HealthCheck& check : checks) {
        const bool counts = asked.counts(check);
        if (counts && check.health == Health::fail) ready = false;
        if (asked.verbose) append_line(lines, check, counts);
    }
    lines += summary_of(checks, asked);
    return health_reply(ready ? 200 : 503, "text/plain; charset=utf-8", std::move(lines));
}

}  // namespace tranter::admin
