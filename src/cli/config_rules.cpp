#include "cli/config_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tranter::cli {
namespace {

constexpr std::size_t token_length_min = 16;

using Problem = std::optional<ConfigProblem>;

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= 64 && consists_of(text, "-_");
}

// scheme://host[:port] and nothing behind it.
bool is_origin(std::string_view text) {
    if (text.starts_with("https://")) {
        text.remove_prefix(8);
    } else if (text.starts_with("http://")) {
        text.remove_prefix(7);
    } else {
        return false;
    }
    return !text.empty() && text.size() <= 260 && consists_of(text, ".-_:[]");
}

bool is_context_path(std::string_view text) {
    if (text.empty()) return true;
    return text.front() == '/' && text.back() != '/' && text.size() <= 256 &&
           text.find("//") == std::string_view::npos && consists_of(text, "/-_~") &&
           text.find("..") == std::string_view::npos;
}

Problem find_address_problem(const ServerConfig& config) {
    if (config.sqs_enabled && config.admin_enabled && config.sqs == config.admin &&
        config.sqs.port != 0) {
        return problem_at(
            {"server", "admin"},
            fmt::format("is {}, which is server.sqs already", format_endpoint(config.admin))
        );
    }
    if (!config.public_url.empty() && !is_origin(config.public_url)) {
        return problem_at(
            {"server", "public_url"},
            fmt::format(
                "is \"{}\", write http://host:port; a path belongs into server.context_path",
                config.public_url
            )
        );
    }
    if (!is_context_path(config.context_path)) {
        return problem_at(
            {"server", "context_path"},
            fmt::format("is \"{}\", write a path like \"/sqs\"", config.context_path)
        );
    }
    for (const std::string& host : config.allowed_hosts) {
        if (host.empty() || !consists_of(host, ".-_")) {
            return problem_at(
                {"server", "allowed_hosts"},
                fmt::format("\"{}\" is not a host name, write it without scheme and port", host)
            );
        }
    }
    for (const std::string& origin : config.cors_origins) {
        if (origin != "*" && !is_origin(origin)) {
            return problem_at(
                {"server", "cors", "origins"},
                fmt::format("\"{}\" is not an origin, write scheme://host[:port] or *", origin)
            );
        }
    }
    return {};
}

Problem find_auth_problem(const AuthConfig& auth) {
    if (auth.mode == AuthMode::sigv4 && auth.keys.empty()) {
        return problem_at({"auth", "keys"}, "has no key, auth.mode = \"sigv4\" needs at least one");
    }
    if (auth.mode == AuthMode::none && !auth.keys.empty()) {
        return problem_at(
            {"auth", "keys"}, "would not be used, set auth.mode = \"sigv4\" or remove the keys"
        );
    }
    for (const auto& [id, secret] : auth.keys) {
        if (id.empty() || id.size() > 128 || !consists_of(id, "-_")) {
            return problem_at(
                {"auth", "keys", id}, "is not an access key id, use letters, digits, - and _"
            );
        }
        if (secret.empty())
            return problem_at({"auth", "keys", id}, "is empty, write the secret key");
    }
    for (const std::string& region : auth.regions) {
        if (!is_word(region)) {
            return problem_at({"auth", "regions"}, fmt::format("\"{}\" is not a region", region));
        }
    }
    return {};
}

}  // namespace

std::optional<ConfigProblem> problem_at(ConfigPath path, std::string text) {
    return ConfigProblem{.path = std::move(path), .text = std::move(text)};
}

bool consists_of(std::string_view text, std::string_view extra) {
    return std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               extra.find(c) != std::string_view::npos;
    });
}

std::optional<ConfigProblem> find_server_problem(const ServerConfig& config) {
    if (!is_word(config.region)) {
        return problem_at(
            {"server", "region"},
            fmt::format("is \"{}\", write a region like \"us-east-1\"", config.region)
        );
    }
    if (!is_word(config.account)) {
        return problem_at(
            {"server", "account"},
            fmt::format("is \"{}\", write an account like \"000000000000\"", config.account)
        );
    }
    if (Problem found = find_address_problem(config)) return found;
    if (Problem found = find_auth_problem(config.auth)) return found;
    const bool printable =
        std::ranges::all_of(config.admin_token, [](char c) { return c > ' ' && c < 0x7F; });
    if (!config.admin_token.empty() && config.admin_token.size() < token_length_min) {
        return problem_at(
            {"admin", "token"},
            fmt::format(
                "has {} characters, write at least {}", config.admin_token.size(), token_length_min
            )
        );
    }
    if (!printable) {
        return problem_at({"admin", "token"}, "has characters that no header can carry, use ASCII");
    }
    return {};
}

}  // namespace tranter::cli
