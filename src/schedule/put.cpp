#include "schedule/registration.hpp"

namespace tranter::schedule {

Result<Registration> put(
    const Registry& registry,
    const ScheduleDefinition& definition,
    TimePoint now,
    bool may_never_fire
) {
    constexpr int tries_max = 20;
    for (int tries = 1;; ++tries) {
        auto added = add(registry, definition, ScheduleSource::hand, now, may_never_fire);
        if (added) return Registration{.schedule = std::move(*added), .what = Reconciled::made};
        if (added.error().code() != Errc::already_exists) return std::unexpected(added.error());
        const auto replace = [&](ScheduleDefinition& before) -> Result<> {
            before = definition;
            return {};
        };
        auto edited = edit(registry, definition.name, now, replace, may_never_fire);
        if (edited)
            return Registration{.schedule = std::move(*edited), .what = Reconciled::changed};
        // Somebody removed it in between.
        if (edited.error().code() != Errc::not_found || tries == tries_max) {
            return std::unexpected(edited.error());
        }
    }
}

}  // namespace tranter::schedule
