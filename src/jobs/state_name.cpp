#include "jobs/state_name.hpp"

#include "jobs/enum_text.hpp"

namespace tranter::jobs {

std::string_view state_name(JobState state) {
    return enum_text(state);
}

}  // namespace tranter::jobs
