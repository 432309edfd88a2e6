#include "supervise/fleet.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

/// What follows of what has changed: who may start now, and what instances have to say.
namespace tranter::supervise {

bool Fleet::is_met(const Dependency& dependency) const {
    const auto needed = members_.find(dependency.app);
    if (needed == members_.end()) return false;
    std::uint32_t good = 0;
    for (const auto& [number, instance] : needed->second.instances) {
        const State state = instance.state();
        const auto& ending = instance.last_ending();
        switch (dependency.condition) {
            case Dependency::Condition::started:
                good += state == State::starting || state == State::ready ? 1 : 0;
                break;
            case Dependency::Condition::ready:
                good += state == State::ready ? 1 : 0;
                break;
            case Dependency::Condition::completed:
                good += instance.is_at_rest() && ending ? 1 : 0;
                break;
            case Dependency::Condition::completed_successfully:
                good += instance.is_at_rest() && ending && ending->is_success() ? 1 : 0;
                break;
        }
    }
    return good >= needed->second.app->instances;
}

bool Fleet::may_start(const Member& member) const {
    if (is_ending_) return false;
    return std::ranges::all_of(member.app->depends_on, [this](const Dependency& dependency) {
        return is_met(dependency);
    });
}

/// By an app that still runs.
bool Fleet::is_needed(std::string_view app) const {
    return std::ranges::any_of(members_, [app](const auto& entry) {
        const auto& needs = entry.second.app->depends_on;
        if (std::ranges::find(needs, app, &Dependency::app) == needs.end()) return false;
        return std::ranges::any_of(entry.second.instances, [](const auto& one) {
            return one.second.is_live();
        });
    });
}

/// Until nothing follows from what has changed.
void Fleet::settle(Instant now) {
    while (settle_once(now)) {
    }
    collect();
}

bool Fleet::settle_once(Instant now) {
    bool changed = collect();
    for (auto& [name, member] : members_) {
        if (member.reload) changed = advance(member, now) || changed;
        if (is_ending_) {
            if (is_needed(name)) continue;
            for (auto& [number, instance] : member.instances) {
                if (instance.is_at_rest()) continue;
                // One that is stopping may have been meant to start again.
                changed = instance.state() != State::stopping || changed;
                instance.stop(now, "all apps are stopped");
            }
            continue;
        }
        if (!may_start(member)) continue;
        for (auto& [number, instance] : member.instances) {
            if (instance.state() != State::waiting) continue;
            instance.allow(now);
            changed = true;
        }
    }
    return changed;
}

/// Takes what the instances have to say. Whether one is something else than it was.
bool Fleet::collect() {
    std::vector<std::pair<std::string, Instant>> lost;
    bool changed = false;
    for (auto& [name, member] : members_) {
        for (auto& [number, instance] : member.instances) {
            const InstanceId id{name, number};
            for (const Action& action : instance.take_actions())
                actions_.push_back({id, action});
            for (Change& change : instance.take_changes()) {
                changed = true;
                if (change.from == State::ready) lost.emplace_back(name, change.at);
                changes_.push_back({id, std::move(change)});
            }
        }
        forget_surplus(member);
        give_back_numbers(member);
    }
    std::erase_if(members_, [](const auto& entry) {
        return entry.second.is_removed && entry.second.instances.empty();
    });
    for (const auto& [name, at] : lost)
        restart_dependents(name, at);
    return changed;
}

/// Those above the number that is wanted were scaled away, or replaced.
void Fleet::forget_surplus(Member& member) {
    std::erase_if(member.instances, [&member](const auto& entry) {
        const auto& [number, instance] = entry;
        const bool is_surplus =
            member.instances.size() > member.app->instances + member.removed.size();
        const bool is_new = member.reload && member.reload->replaces.contains(number);
        const bool is_unwanted = member.is_removed || is_surplus ||
                                 member.removed.contains(number) ||
                                 has_twin(member, number, [](const Instance&) { return true; });
        const bool goes = instance.is_at_rest() && is_unwanted && !is_new;
        if (!goes) return false;
        // Its number may be given again.
        if (member.reload) std::erase(member.reload->old, number);
        member.removed.erase(number);
        return true;
    });
}

void Fleet::restart_dependents(std::string_view app, Instant now) {
    if (is_ending_) return;
    for (auto& [name, member] : members_) {
        const bool follows = std::ranges::any_of(member.app->depends_on, [&](const auto& one) {
            return one.app == app && one.restarts_with_it && !is_met(one);
        });
        if (!follows || !member.is_wanted) continue;
        for (auto& [number, instance] : member.instances) {
            const bool stays = instance.is_live() && !instance.is_leaving();
            if (stays) instance.restart(false, now, std::string(app) + " restarts");
        }
    }
}

}  // namespace tranter::supervise
