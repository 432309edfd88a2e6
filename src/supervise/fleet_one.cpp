#include "supervise/fleet.hpp"
#include "supervise/fleet_numbers.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

/// What people want of one instance alone.
namespace tranter::supervise {

/// As they are before their first start, so that one can be started without the others.
void Fleet::add_stopped(Member& member) {
    while (member.instances.size() < member.app->instances)
        member.instances.try_emplace(lowest_free(member.instances, 0), member.app);
}

Result<Instance*> Fleet::get(Member& member, std::uint32_t number) {
    const std::string& app = member.app->name;
    if (member.reload) return fail(Errc::conflict, "a reload of " + app + " is under way");
    if (number < member.app->instances) add_stopped(member);
    const auto found = member.instances.find(number);
    if (found != member.instances.end()) return &found->second;
    return fail(Errc::not_found, "there is no instance " + app + ":" + std::to_string(number));
}

void Fleet::set_count(Member& member, std::uint32_t instances) {
    App scaled = *member.app;
    scaled.instances = instances;
    member.app = std::make_shared<const App>(std::move(scaled));
    for (auto& [number, instance] : member.instances)
        instance.use(member.app);
}

Result<> Fleet::start_one(
    Member& member, std::uint32_t number, Instant now, std::string_view cause, bool restarts
) {
    auto one = get(member, number);
    if (!one) return std::unexpected(one.error());
    Instance& instance = **one;
    const bool is_surplus =
        count_staying(member.instances) >= member.app->instances || has_twin(member, number, stays);
    if (instance.is_leaving() && is_surplus) {
        return fail(
            Errc::conflict,
            "instance " + member.app->name + ":" + std::to_string(number) + " is being removed"
        );
    }
    member.removed.erase(number);
    const bool was_ending = std::exchange(is_ending_, false);
    want_needed(member, now, cause);
    const bool may = may_start(member);
    if (restarts && !instance.is_leaving()) {
        instance.restart(may, now, cause);
    } else if (instance.is_leaving() || !instance.is_live()) {
        instance.start(may, now, cause);
    }
    if (was_ending) stop_unwanted(now);
    settle(now);
    return {};
}

/// The app is stopped when it was the last one.
Result<> Fleet::stop_one(
    Member& member, std::uint32_t number, Instant now, std::string_view cause
) {
    auto one = get(member, number);
    if (!one) return std::unexpected(one.error());
    (*one)->stop(now, cause);
    member.was_stopped = std::ranges::all_of(member.instances, [](const auto& other) {
        return other.second.is_leaving() || other.second.is_at_rest();
    });
    if (member.was_stopped) member.is_wanted = false;
    return {};
}

Result<> Fleet::remove_one(Member& member, std::uint32_t number, Instant now) {
    if (auto done = stop_one(member, number, now, "removed"); !done) return done;
    member.removed.insert(number);
    set_count(member, member.app->instances - 1);
    return {};
}

}  // namespace tranter::supervise
