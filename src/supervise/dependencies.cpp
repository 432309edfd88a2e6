#include "supervise/fleet.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace tranter::supervise {
namespace {

using ByName = std::map<std::string_view, const App*>;

/// Apps between the first visit to one and the end of it, in this order.
class Circles {
  public:
    explicit Circles(const ByName& apps) : apps_(apps) {}

    /// The names of a circle that begins and ends with the same one; empty: there is none.
    std::vector<std::string_view> from(const App& app) {
        const auto on_the_way = std::ranges::find(path_, app.name);
        if (on_the_way != path_.end()) {
            std::vector<std::string_view> circle(on_the_way, path_.end());
            circle.push_back(app.name);
            return circle;
        }
        bool& was_seen = seen_[app.name];
        if (was_seen) return {};
        path_.push_back(app.name);
        for (const Dependency& dependency : app.depends_on) {
            auto circle = from(*apps_.at(dependency.app));
            if (!circle.empty()) return circle;
        }
        path_.pop_back();
        was_seen = true;
        return {};
    }

  private:
    const ByName& apps_;
    std::map<std::string_view, bool> seen_{};
    std::vector<std::string_view> path_{};
};

std::string listed(const std::vector<std::string_view>& names) {
    std::string out;
    for (const std::string_view name : names) {
        if (!out.empty()) out += ", ";
        out += name;
    }
    return out;
}

}  // namespace

Result<> check_dependencies(std::span<const App> apps) {
    ByName by_name;
    for (const App& app : apps)
        by_name.insert_or_assign(app.name, &app);
    for (const App& app : apps) {
        for (const Dependency& dependency : app.depends_on) {
            if (by_name.contains(dependency.app)) continue;
            return fail(
                Errc::invalid_argument,
                "app " + app.name + " depends on " + dependency.app + ", which is none of the apps"
            );
        }
    }
    Circles circles(by_name);
    for (const App& app : apps) {
        const auto circle = circles.from(app);
        if (circle.empty()) continue;
        return fail(
            Errc::invalid_argument, "apps depend on each other in a circle: " + listed(circle)
        );
    }
    return {};
}

}  // namespace tranter::supervise
