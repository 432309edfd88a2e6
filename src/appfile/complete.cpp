#include "appfile/load.hpp"
#include "appfile/path_text.hpp"
#include "appfile/pm2_context.hpp"
#include "base/unicode.hpp"
#include "supervise/file_access.hpp"

#include <algorithm>
#include <string_view>

namespace tranter::appfile {
namespace {

constexpr std::size_t app_name_bytes_max = 200;

bool is_hidden(const supervise::App& app, std::string_view name) {
    return std::ranges::any_of(app.hidden_variables, [&](const std::string& part) {
        return name.contains(part);
    });
}

void place_log(
    std::string& path,
    const supervise::App& app,
    std::string_view kind,
    const std::string& directory
) {
    if (supervise::is_no_file(path)) {
        path.clear();
    } else if (path.empty() && !directory.empty()) {
        path = resolve_path(directory, log_name(app.name).append(kind).append(".log"));
        if (app.instances > 1) path = with_number(path, ".log");
    }
}

}  // namespace

bool is_app_name(std::string_view name) {
    return !name.empty() && name.size() <= app_name_bytes_max && name != "all" &&
           printable(name) == name;
}

std::string log_name(std::string_view app) {
    std::string out(app);
    for (char& c : out) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!is_plain) c = '-';
    }
    return out;
}

void complete(
    supervise::App& app,
    const std::vector<std::string>& environment,
    const std::string& logs_directory
) {
    // A new one beside the old one would have its number, and so its port, which is taken.
    if (!app.increment_variable.empty()) app.reloads_at_once = 0;
    place_log(app.logs.output, app, "-out", logs_directory);
    place_log(app.logs.errors, app, "-error", logs_directory);
    if (!app.inherits_environment) return;
    const auto own = app.environment.size();
    for (const std::string_view variable : environment) {
        const std::size_t equals = variable.find('=');
        if (equals == 0 || equals == std::string_view::npos) continue;
        const std::string_view name = variable.substr(0, equals);
        const auto end = app.environment.begin() + static_cast<std::ptrdiff_t>(own);
        const bool is_there = std::any_of(app.environment.begin(), end, [&](const auto& one) {
            return one.first == name;
        });
        if (is_there || is_hidden(app, name)) continue;
        app.environment.emplace_back(name, variable.substr(equals + 1));
    }
}

}  // namespace tranter::appfile
