#include "jobs/new_jobs.hpp"

#include "jobs/json_cursor.hpp"

#include <fmt/format.h>

#include <utility>

namespace tranter::jobs {

bool is_json_value(std::string_view text) {
    JsonCursor cursor(text);
    return cursor.begin() && cursor.skip() && cursor.end();
}

Result<> check_new_jobs(std::span<const NewJob> jobs) {
    if (jobs.size() > jobs_per_call_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{} jobs in one call, limit is {}", jobs.size(), jobs_per_call_max)
        );
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        std::string problem = problem_of(jobs[i]);
        if (problem.empty() && !is_json_value(jobs[i].payload)) {
            problem = "payload is not JSON; text must stand in quotes";
        }
        if (problem.empty()) continue;
        if (jobs.size() > 1) problem = fmt::format("job {} of {}: {}", i + 1, jobs.size(), problem);
        return fail(Errc::invalid_argument, std::move(problem));
    }
    return {};
}

}  // namespace tranter::jobs
