#include "supervise/fleet.hpp"
#include "supervise/fleet_numbers.hpp"

#include <algorithm>
#include <string>
#include <utility>

/// Reloads: new instances come before old ones go.
namespace tranter::supervise {

Result<> Fleet::reload(std::string_view app, Instant now, Which which) {
    auto found = get(app);
    if (!found) return std::unexpected(found.error());
    Member& member = **found;
    if (member.reload) {
        return fail(Errc::conflict, "a reload of " + member.app->name + " is under way");
    }
    if (which) {
        if (auto one = get(member, *which); !one) return std::unexpected(one.error());
    }
    Reload reload;
    for (const auto& [number, instance] : member.instances) {
        const bool is_meant = !which || *which == number;
        if (is_meant && instance.state() == State::ready) reload.old.push_back(number);
    }
    if (reload.old.empty()) {
        if (auto restarted = restart(app, now, "reload", which); !restarted) return restarted;
        reloaded_.push_back({member.app->name, ""});
        return {};
    }
    const bool was_ending = std::exchange(is_ending_, false);
    if (which) {
        want_needed(member, now, "reload");
    } else {
        want(member, now, "reload");
    }
    if (was_ending) stop_unwanted(now);
    member.reload = std::move(reload);
    begin_replacements(member, now);
    settle(now);
    return {};
}

void Fleet::begin_replacements(Member& member, Instant now) {
    Reload& reload = *member.reload;
    while (!reload.old.empty() && reload.replaces.size() < std::max(member.app->reloads_at_once, 1U)
    ) {
        const std::uint32_t number = reload.old.front();
        reload.old.pop_front();
        Instance& old = member.instances.at(number);
        if (old.state() != State::ready) {
            // It was lost meanwhile, and what was started since then needs no replacement.
            if (old.is_at_rest()) old.start(may_start(member), now, "reload");
            continue;
        }
        const std::uint32_t free = lowest_free(member.instances, member.app->instances);
        move(member, number, free);
        member.moved.emplace(free, number);
        reload.replaces.emplace(number, free);
        member.instances.try_emplace(number, member.app).first->second.start(true, now, "reload");
    }
}

/// Whether a replacement has come, or failed.
bool Fleet::advance(Member& member, Instant now) {
    Reload& reload = *member.reload;
    bool changed = false;
    for (auto next = reload.replaces.begin(); next != reload.replaces.end();) {
        const auto [number, replaced] = *next;
        const State state = member.instances.at(number).state();
        if (state == State::starting) {
            ++next;
            continue;
        }
        if (state != State::ready) {
            end_reload(member, "the new instance " + std::to_string(number) + " failed", now);
            return true;
        }
        const auto old = member.instances.find(replaced);
        if (old != member.instances.end()) old->second.stop(now, "replaced");
        next = reload.replaces.erase(next);
        changed = true;
    }
    begin_replacements(member, now);
    if (reload.replaces.empty() && reload.old.empty()) {
        reloaded_.push_back({member.app->name, ""});
        member.reload.reset();
        changed = true;
    }
    return changed;
}

/// After all that is to be done for it by its present number.
void Fleet::move(Member& member, std::uint32_t from, std::uint32_t to) {
    auto one = member.instances.extract(from);
    const InstanceId id{member.app->name, from};
    for (const Action& action : one.mapped().take_actions())
        actions_.push_back({.id = id, .action = action});
    for (Change& change : one.mapped().take_changes())
        changes_.push_back({.id = id, .change = std::move(change)});
    actions_.push_back({.id = id, .moves_to = to});
    one.key() = to;
    member.instances.insert(std::move(one));
}

bool Fleet::has_twin(
    const Member& member, std::uint32_t number, bool (*is_meant)(const Instance&)
) {
    const auto own = [&member](std::uint32_t one) {
        const auto found = member.moved.find(one);
        return found == member.moved.end() ? one : found->second;
    };
    return !member.moved.empty() && std::ranges::any_of(member.instances, [&](const auto& other) {
        return other.first != number && own(other.first) == own(number) && is_meant(other.second);
    });
}

/// To those whose replacements have failed and are gone.
void Fleet::give_back_numbers(Member& member) {
    for (auto next = member.moved.begin(); next != member.moved.end();) {
        const auto [present, own] = *next;
        const bool is_there = member.instances.contains(present);
        if (is_there && member.instances.contains(own)) {
            ++next;
            continue;
        }
        if (is_there) move(member, present, own);
        next = member.moved.erase(next);
    }
}

/// Takes back the replacements that are not ready; what they were to replace goes on.
void Fleet::end_reload(Member& member, std::string trouble, Instant now) {
    for (const auto& [number, replaced] : member.reload->replaces)
        member.instances.at(number).stop(now, "the reload has failed");
    reloaded_.push_back({member.app->name, std::move(trouble)});
    member.reload.reset();
}

}  // namespace tranter::supervise
