#pragma once

#include "postgres/connection.hpp"
#include "postgres_jobs/shared_calls.hpp"

#include <tranter/job.hpp>
#include <tranter/provider.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tranter::postgres_jobs {

class Completions;
class NewJobColumns;

// Calls of several threads that go to the database in one statement, and so wait for one commit.
// Answers are put there by emplace(): with -O2 g++ 12 destroys an error that is assigned to such an
// optional, and with it the text that was moved out of it.

/// Of plain jobs.
struct SharedEnqueue {
    const NewJobColumns* columns = nullptr;
    std::span<const NewJob> jobs{};
    bool may_be_there = false;  // an earlier try may have put them there
    std::optional<Result<std::vector<Enqueued>>> answer{};  // none: it has to be done alone
};

struct SharedCompletions {
    const Completions* completions = nullptr;
    std::optional<Result<std::vector<Result<>>>> answer{};  // the same
};

/// With two under way one that takes its time does not hold up the queue. Each more costs the
/// server a tenth to a third more for every job, and is no faster, on a slow disk neither.
inline constexpr SharedLimits shared_limits{
    .under_way_max = 2,
    .wait_max = std::chrono::milliseconds(100),
    .together = {.jobs = jobs_per_call_max, .bytes = 1'048'576}};

/// Larger calls of several threads are faster side by side, and others would wait for what they
/// bring.
constexpr bool may_share(SharedSize size) {
    return size.jobs <= 10 && size.bytes <= 65'536;
}

/// Whether each of those who went together would meet the same alone. Otherwise one of them may be
/// to blame, and each goes alone. When the connection was lost nobody knows what was kept.
constexpr bool is_of_all(postgres::Trouble trouble) {
    using enum postgres::Trouble;
    return trouble == away || trouble == lost || trouble == full || trouble == refused;
}

}  // namespace tranter::postgres_jobs
