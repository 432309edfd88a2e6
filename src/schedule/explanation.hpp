#pragma once

#include "schedule/registration.hpp"

#include <tranter/provider.hpp>
#include <tranter/schedule.hpp>

#include <cstddef>
#include <string_view>

namespace tranter::schedule {

/// When a schedule fires and what is in its way; see ScheduleExplanation. `jobs` is asked for its
/// last job; null: nobody is. Changes nothing. `not_found`, and the errors of the store.
[[nodiscard]] Result<ScheduleExplanation> explain(
    const Registry& registry,
    std::string_view name,
    std::size_t count,
    TimePoint now,
    Provider* jobs = nullptr
);

}  // namespace tranter::schedule
