#pragma once

#include "base/error.hpp"
#include "supervise/supervisor.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tranter::control {

/// An app, or one instance of it.
struct Target {
    std::string app{};
    std::optional<std::uint32_t> number{};

    bool operator==(const Target&) const = default;
    /// "web", "web:1"
    std::string label() const { return number ? app + ":" + std::to_string(*number) : app; }
    bool covers(const supervise::InstanceId& id) const {
        return id.app == app && (!number || *number == id.number);
    }
};

bool any_covers(const std::vector<Target>& targets, const supervise::InstanceId& id);

/// What words of people stand for, in this order: "all", the name of an app, a namespace, the key
/// of an instance, APP:NUMBER. `not_found` names a word that is none of these, with the nearest
/// that is. Each target comes once.
[[nodiscard]] Result<std::vector<Target>> find_targets(
    const std::vector<std::string>& words, const supervise::Supervisor& supervisor
);

/// Without instances of apps that are among them as a whole.
std::vector<Target> without_parts(std::vector<Target> targets);

}  // namespace tranter::control
