#include "supervise/fleet.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What there is.
namespace tranter::supervise {

bool Fleet::is_at_rest() const {
    return std::ranges::all_of(members_, [](const auto& entry) {
        return std::ranges::all_of(entry.second.instances, [](const auto& one) {
            return one.second.is_at_rest();
        });
    });
}

std::vector<std::string> Fleet::apps() const {
    std::vector<std::string> out;
    for (const auto& [name, member] : members_)
        out.push_back(name);
    return out;
}

const App* Fleet::find(std::string_view app) const {
    const auto found = members_.find(app);
    return found == members_.end() ? nullptr : found->second.app.get();
}

const Instance* Fleet::find(const InstanceId& id) const {
    const auto member = members_.find(id.app);
    if (member == members_.end()) return nullptr;
    const auto found = member->second.instances.find(id.number);
    return found == member->second.instances.end() ? nullptr : &found->second;
}

bool Fleet::is_reloading(std::string_view app) const {
    const auto found = members_.find(app);
    return found != members_.end() && found->second.reload;
}

bool Fleet::is_wanted(std::string_view app) const {
    const auto found = members_.find(app);
    return found != members_.end() && found->second.is_wanted;
}

bool Fleet::is_removing(std::string_view app) const {
    const auto found = members_.find(app);
    return found != members_.end() && found->second.is_removed;
}

std::uint32_t Fleet::own_number(const InstanceId& id) const {
    const auto member = members_.find(id.app);
    if (member == members_.end()) return id.number;
    const auto found = member->second.moved.find(id.number);
    return found == member->second.moved.end() ? id.number : found->second;
}

std::vector<InstanceId> Fleet::instances(std::string_view app) const {
    std::vector<InstanceId> out;
    const auto found = members_.find(app);
    if (found == members_.end()) return out;
    for (const auto& [number, instance] : found->second.instances)
        out.push_back({found->first, number});
    return out;
}

std::string Fleet::waits_for(std::string_view app) const {
    const App* const one = find(app);
    if (one == nullptr) return {};
    std::string out;
    for (const Dependency& dependency : one->depends_on) {
        if (is_met(dependency)) continue;
        if (!out.empty()) out += ", ";
        out += dependency.app;
    }
    return out;
}

}  // namespace tranter::supervise
