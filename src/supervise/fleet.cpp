#include "supervise/fleet.hpp"

#include "supervise/fleet_numbers.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace tranter::supervise {
Result<> Fleet::put(std::vector<App> apps) {
    std::vector<App> all;
    for (const auto& [name, member] : members_) {
        const bool is_new = std::ranges::find(apps, name, &App::name) == apps.end();
        if (is_new && !member.is_removed) all.push_back(*member.app);
    }
    all.insert(all.end(), apps.begin(), apps.end());
    if (auto good = check_dependencies(all); !good) return good;
    for (App& app : apps) {
        Member& member = members_[app.name];
        member.app = std::make_shared<const App>(std::move(app));
        member.is_removed = false;
        for (auto& [number, instance] : member.instances)
            instance.use(member.app);
    }
    return {};
}

Result<Fleet::Member*> Fleet::get(std::string_view app) {
    const auto found = members_.find(app);
    if (found != members_.end() && !found->second.is_removed) return &found->second;
    return fail(Errc::not_found, "there is no app " + std::string(app));
}

Result<> Fleet::start(std::string_view app, Instant now, std::string_view cause, Which which) {
    auto member = get(app);
    if (!member) return std::unexpected(member.error());
    if (which) return start_one(**member, *which, now, cause, false);
    const bool was_ending = std::exchange(is_ending_, false);
    want(**member, now, cause);
    if (was_ending) stop_unwanted(now);
    settle(now);
    return {};
}

/// What the end of all had not come to yet.
void Fleet::stop_unwanted(Instant now) {
    for (auto& [name, member] : members_) {
        if (member.is_wanted) continue;
        for (auto& [number, instance] : member.instances)
            instance.stop(now, "all apps were stopped");
    }
}

void Fleet::want_needed(Member& member, Instant now, std::string_view cause) {
    for (const Dependency& dependency : member.app->depends_on) {
        Member& needed = members_.at(dependency.app);
        if (!needed.is_wanted && !needed.was_stopped) want(needed, now, cause);
    }
    member.is_wanted = true;
    member.was_stopped = false;
}

void Fleet::want(Member& member, Instant now, std::string_view cause) {
    want_needed(member, now, cause);
    const bool may = may_start(member);
    std::uint32_t staying = count_staying(member.instances);
    for (auto& [number, instance] : member.instances) {
        if (instance.is_leaving()) {
            // It may be one too many, scaled away or replaced.
            if (has_twin(member, number, stays)) continue;
            if (staying >= member.app->instances) continue;
            ++staying;
            member.removed.erase(number);
        } else if (instance.is_live()) {
            continue;
        }
        instance.start(may, now, cause);
    }
    for (; staying < member.app->instances; ++staying)
        add_instance(member, may, now, cause);
}

void Fleet::add_instance(Member& member, bool may, Instant now, std::string_view cause) {
    const std::uint32_t number = lowest_free(member.instances, 0);
    member.instances.try_emplace(number, member.app).first->second.start(may, now, cause);
}

Result<> Fleet::stop(std::string_view app, Instant now, std::string_view cause, Which which) {
    auto member = get(app);
    if (!member) return std::unexpected(member.error());
    if (which) {
        if (auto done = stop_one(**member, *which, now, cause); !done) return done;
        settle(now);
        return {};
    }
    (*member)->is_wanted = false;
    (*member)->was_stopped = true;
    if ((*member)->reload) end_reload(**member, "the app was stopped", now);
    for (auto& [number, instance] : (*member)->instances)
        instance.stop(now, cause);
    settle(now);
    return {};
}

Result<> Fleet::restart(std::string_view app, Instant now, std::string_view cause, Which which) {
    auto member = get(app);
    if (!member) return std::unexpected(member.error());
    if (which) return start_one(**member, *which, now, cause, true);
    const bool was_ending = std::exchange(is_ending_, false);
    if ((*member)->reload) end_reload(**member, "the app was restarted", now);
    const bool may = may_start(**member);
    for (auto& [number, instance] : (*member)->instances) {
        if (!instance.is_leaving()) instance.restart(may, now, cause);
    }
    want(**member, now, cause);
    if (was_ending) stop_unwanted(now);
    settle(now);
    return {};
}

Result<> Fleet::scale(
    std::string_view app,
    std::uint32_t instances,
    Instant now,
    const std::function<double(const InstanceId&)>& load
) {
    auto found = get(app);
    if (!found) return std::unexpected(found.error());
    Member& member = **found;
    if (member.reload) {
        return fail(Errc::conflict, "a reload of " + member.app->name + " is under way");
    }
    set_count(member, instances);
    if (!member.is_wanted) return {};
    std::vector<std::pair<double, std::uint32_t>> running;
    for (const auto& [number, instance] : member.instances) {
        if (instance.is_leaving()) continue;
        // What does not work has nothing to do, whatever is said of it.
        const double busy = instance.is_live() ? load({member.app->name, number}) : -1;
        running.emplace_back(busy, number);
    }
    std::ranges::sort(running, [](const auto& left, const auto& right) {
        return std::pair(left.first, right.second) < std::pair(right.first, left.second);
    });
    const std::size_t surplus = running.size() - std::min<std::size_t>(running.size(), instances);
    for (const auto& [busy, number] : running | std::views::take(surplus))
        member.instances.at(number).stop(now, "scaled down");
    for (std::size_t i = running.size(); i < instances; ++i)
        add_instance(member, may_start(member), now, "scaled up");
    settle(now);
    return {};
}

Result<> Fleet::remove(std::string_view app, Instant now, Which which) {
    if (which) {
        auto member = get(app);
        if (!member) return std::unexpected(member.error());
        auto one = get(**member, *which);
        if (!one) return std::unexpected(one.error());
        const bool is_surplus = count_staying((*member)->instances) >= (*member)->app->instances;
        const bool goes =
            (*member)->removed.contains(*which) || ((*one)->is_leaving() && is_surplus);
        if (goes) return {};
        if ((*member)->app->instances > 1) {
            if (auto done = remove_one(**member, *which, now); !done) return done;
            settle(now);
            return {};
        }
    }
    for (const auto& [name, other] : members_) {
        const auto& needs = other.app->depends_on;
        if (other.is_removed || std::ranges::find(needs, app, &Dependency::app) == needs.end()) {
            continue;
        }
        return fail(Errc::conflict, "app " + name + " depends on " + std::string(app));
    }
    if (auto stopped = stop(app, now, "removed"); !stopped) return stopped;
    members_.find(app)->second.is_removed = true;
    settle(now);
    return {};
}

Result<> Fleet::reset(std::string_view app, Which which) {
    auto member = get(app);
    if (!member) return std::unexpected(member.error());
    if (which) {
        auto one = get(**member, *which);
        if (!one) return std::unexpected(one.error());
        (*one)->forget_restarts();
        return {};
    }
    for (auto& [number, instance] : (*member)->instances)
        instance.forget_restarts();
    return {};
}

void Fleet::stop_all(Instant now, std::string_view cause) {
    is_ending_ = true;
    for (auto& [name, member] : members_) {
        member.is_wanted = false;
        if (member.reload) end_reload(member, "all apps are stopped", now);
        for (auto& [number, instance] : member.instances) {
            const bool rests = !instance.is_live() && !instance.is_at_rest();
            if (rests) instance.stop(now, cause);
        }
    }
    settle(now);
}

template <class Event>
void Fleet::tell(const InstanceId& id, Instant now, Event event) {
    const auto member = members_.find(id.app);
    if (member == members_.end()) return;
    const auto found = member->second.instances.find(id.number);
    if (found == member->second.instances.end()) return;
    event(found->second);
    settle(now);
}

void Fleet::spawned(const InstanceId& id, Instant now) {
    tell(id, now, [&](Instance& instance) { instance.spawned(now); });
}

void Fleet::not_spawned(const InstanceId& id, std::string_view why, Instant now, double chance) {
    tell(id, now, [&](Instance& instance) { instance.not_spawned(why, now, chance); });
}

void Fleet::ended(const InstanceId& id, const Ending& ending, Instant now) {
    tell(id, now, [&](Instance& instance) { instance.ended(ending, now); });
}

void Fleet::all_gone(const InstanceId& id, Instant now, double chance) {
    tell(id, now, [&](Instance& instance) { instance.all_gone(now, chance); });
}

void Fleet::became_ready(const InstanceId& id, Instant now) {
    tell(id, now, [&](Instance& instance) { instance.became_ready(now); });
}

void Fleet::failed_probe(const InstanceId& id, std::string_view why, Instant now) {
    tell(id, now, [&](Instance& instance) { instance.failed_probe(why, now); });
}

void Fleet::asked_for_time(const InstanceId& id, Duration more, Instant now) {
    tell(id, now, [&](Instance& instance) { instance.asked_for_time(more, now); });
}

void Fleet::pass_time(Instant now) {
    for (auto& [name, member] : members_) {
        for (auto& [number, instance] : member.instances)
            instance.pass_time(now);
    }
    settle(now);
}

Instant Fleet::next_event() const {
    Instant next = Instant::max();
    for (const auto& [name, member] : members_) {
        for (const auto& [number, instance] : member.instances)
            next = std::min(next, instance.next_event());
    }
    return next;
}

}  // namespace tranter::supervise
