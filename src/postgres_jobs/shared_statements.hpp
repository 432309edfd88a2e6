#pragma once

#include "postgres_jobs/shared_calls.hpp"

#include <tranter/job.hpp>
#include <tranter/provider.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tranter::postgres_jobs {

class Completions;
class NewJobColumns;

// Calls of several threads that go to the database in one statement, and so wait for one commit.

/// Of plain jobs.
struct SharedEnqueue {
    const NewJobColumns* columns = nullptr;
    std::span<const NewJob> jobs{};
    bool may_be_there = false;  // an earlier try may have put them there
    std::optional<Result<std::vector<Enqueued>>> answer{};  // none: it was not done
};

struct SharedCompletions {
    const Completions* completions = nullptr;
    std::optional<Result<std::vector<Result<>>>> answer{};  // the same
};

inline constexpr SharedLimits shared_limits{
    .under_way_max = 1, .together = {.jobs = jobs_per_call_max, .bytes = 1'048'576}};

/// Larger calls of several threads are faster side by side, and others would wait for what they
/// bring.
constexpr bool may_share(SharedSize size) {
    return size.jobs <= 10 && size.bytes <= 65'536;
}

}  // namespace tranter::postgres_jobs
