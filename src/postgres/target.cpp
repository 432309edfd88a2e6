#include "postgres/target.hpp"

#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "postgres/libpq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tranter::postgres {
namespace {

/// What DATABASE_URL has in it for others, and libpq refuses.
constexpr std::array<std::string_view, 8> prisma_parameters = {
    "schema",
    "connection_limit",
    "pool_timeout",
    "socket_timeout",
    "pgbouncer",
    "statement_cache_size",
    "sslaccept",
    "sslidentity"};

std::string for_libpq(std::string_view url) {
    const std::size_t question = url.find('?');
    std::string out(url.substr(0, question));
    if (question == std::string_view::npos) return out;
    std::string_view rest = url.substr(question + 1);
    char before = '?';
    while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        const std::string_view name = one.substr(0, one.find('='));
        if (std::ranges::find(prisma_parameters, name) != prisma_parameters.end()) continue;
        out += before;
        out += one;
        before = '&';
    }
    return out;
}

/// libpq quotes the URL in most of its complaints, and with it the password.
std::string safe_complaint(const char* complaint) {
    constexpr std::string_view harmless = "invalid URI query parameter: ";
    const std::string_view text = complaint == nullptr ? "" : complaint;
    if (!text.starts_with(harmless)) return "it is no URL of PostgreSQL";
    return one_line(text.substr(0, text.find_last_not_of('\n') + 1));
}

bool has(const Target& target, std::string_view keyword) {
    return std::ranges::find(target, keyword, &Target::value_type::first) != target.end();
}

/// So that a peer that is silent is noticed, and the database knows who asks.
void add_defaults(Target& target) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> defaults = {{
        {"connect_timeout", "10"},
        {"fallback_application_name", "tranter"},
        {"keepalives_idle", "30"},
        {"keepalives_interval", "10"},
        {"tcp_user_timeout", "30000"},
    }};
    for (const auto& [keyword, value] : defaults) {
        if (!has(target, keyword)) target.emplace_back(keyword, value);
    }
    std::erase_if(target, [](const auto& setting) { return setting.first == "client_encoding"; });
    target.emplace_back("client_encoding", "UTF8");
}

}  // namespace

bool is_postgres_url(std::string_view url) {
    return url.starts_with("postgres:") || url.starts_with("postgresql:");
}

Result<Target> parse_target(std::string_view url) {
    if (!libpq().loaded) {
        return fail(
            Errc::unavailable, "PostgreSQL needs libpq.so.5, install the Debian package libpq5"
        );
    }
    if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
        return fail(
            Errc::invalid_argument,
            "a URL of PostgreSQL must be like postgres://host:5432/database?user=name"
        );
    }
    char* complaint = nullptr;
    PQconninfoOption* const options = libpq().conninfo_parse(for_libpq(url).c_str(), &complaint);
    if (options == nullptr) {
        std::string why = safe_complaint(complaint);
        if (complaint != nullptr) libpq().free_memory(complaint);
        return fail(
            Errc::invalid_argument,
            fmt::format("{}, write postgres://host:5432/database?user=name", why)
        );
    }
    Target target;
    for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
        if (option->val == nullptr) continue;
        target.emplace_back(option->keyword, option->val);
        if (is_secret_name(option->keyword)) hide_secret(option->val);
    }
    libpq().conninfo_free(options);
    add_defaults(target);
    return target;
}

}  // namespace tranter::postgres
