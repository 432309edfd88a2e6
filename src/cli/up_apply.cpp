#include "cli/up_apply.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

using supervise::App;

bool is_of_session(std::string_view name) {
    constexpr auto names = std::to_array<std::string_view>(
        {"_",
         "SHLVL",
         "PWD",
         "OLDPWD",
         "COLUMNS",
         "LINES",
         "STY",
         "TMUX",
         "TMUX_PANE",
         "WINDOWID",
         "DISPLAY",
         "COLORTERM",
         "INVOCATION_ID",
         "JOURNAL_STREAM",
         "NOTIFY_SOCKET"}
    );
    constexpr auto prefixes =
        std::to_array<std::string_view>({"SSH_", "XDG_SESSION_", "DBUS_", "TERM"});
    return std::ranges::find(names, name) != names.end() ||
           std::ranges::any_of(prefixes, [&](std::string_view prefix) {
               return name.starts_with(prefix);
           });
}

App without_session(App app) {
    std::erase_if(app.environment, [](const auto& variable) {
        return is_of_session(variable.first);
    });
    std::ranges::sort(app.environment);
    return app;
}

struct Sorted {
    std::vector<App> to_put{};
    std::vector<std::string> to_restart{};
    std::vector<std::string> to_start{};
};

Sorted sort_apps(
    const std::vector<App>& apps,
    const std::vector<App>& known,
    const std::vector<supervise::InstanceView>& instances
) {
    Sorted sorted;
    for (const App& app : apps) {
        const auto old = std::ranges::find(known, app.name, &App::name);
        const bool is_same = old != known.end() && means_the_same(*old, app);
        const bool runs = std::ranges::any_of(instances, [&](const auto& view) {
            return view.id.app == app.name && view.pid > 0;
        });
        if (!is_same) sorted.to_put.push_back(app);
        if (runs && !is_same) sorted.to_restart.push_back(app.name);
        if (runs || app.starts_by_itself) sorted.to_start.push_back(app.name);
    }
    return sorted;
}

}  // namespace

bool means_the_same(const App& one, const App& other) {
    return without_session(one) == without_session(other);
}

Result<> apply_apps(
    control::Client& client, const std::vector<App>& apps, const ApplyOptions& options
) {
    const auto known = client.apps();
    if (!known) return std::unexpected(known.error());
    const auto instances = client.instances();
    if (!instances) return std::unexpected(instances.error());
    const Sorted sorted = sort_apps(apps, *known, *instances);
    if (!sorted.to_put.empty()) {
        if (auto put = client.put(sorted.to_put, options.file); !put) return put;
    }
    if (!sorted.to_restart.empty()) {
        auto restarted = client.give(
            {.kind = control::Order::Kind::restart, .targets = sorted.to_restart, .waits = false}
        );
        if (!restarted) return restarted;
    }
    if (sorted.to_start.empty()) return {};
    return client.give(
        {.kind = control::Order::Kind::start,
         .targets = sorted.to_start,
         .waits = options.waits,
         .limit = options.limit}
    );
}

}  // namespace tranter::cli
