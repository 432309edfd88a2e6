#include "cli/known_secrets.hpp"

#include "base/secrets.hpp"

#include <string_view>

namespace tranter::cli {
namespace {

void hide_named(std::string_view name, std::string_view value) {
    if (is_secret_name(name)) hide_secret(value);
}

}  // namespace

void hide_secrets(const ServerConfig& config, const std::vector<std::string>& environment) {
    for (const std::string_view variable : environment) {
        const std::size_t equals = variable.find('=');
        if (equals == std::string_view::npos) continue;
        hide_named(variable.substr(0, equals), variable.substr(equals + 1));
    }
    hide_secret(config.admin_token);
    for (const auto& [id, key] : config.auth.keys)
        hide_secret(key);
    for (const HandlerConfig& handler : config.handlers) {
        for (const std::string& secret : handler.secrets)
            hide_secret(secret);
        for (const auto& [name, value] : handler.headers)
            hide_named(name, value);
        for (const auto& [name, value] : handler.environment)
            hide_named(name, value);
    }
}

}  // namespace tranter::cli
