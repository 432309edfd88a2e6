#include "jobs/state_name.hpp"

#include <tranter/enum_names.hpp>

#include <cstdint>

namespace tranter::jobs {

std::string_view state_name(JobState state) {
    for (const EnumName& known : enum_names<JobState>()) {
        if (known.value == static_cast<std::uint8_t>(state)) return known.name;
    }
    return "unknown";
}

}  // namespace tranter::jobs
