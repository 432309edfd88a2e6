#pragma once

#include <tranter/job.hpp>
#include <tranter/provider.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::jobs {

inline constexpr std::size_t failures_max = 10;

/// What travels with a job from attempt to attempt: it is as durable as the job, and goes with it
/// into the dead-letter queue and back.
struct JobNote {
    std::vector<Step> steps{};
    std::vector<AttemptFailure> failures{};  // the last 10, oldest first

    /// Replaces a step of that name.
    void put(const Step& step);
    /// Names and results of all steps.
    std::size_t step_bytes() const;
    /// Text that is too long is cut, and what is no UTF-8 replaced.
    void add(AttemptFailure failure);
    /// Records attempts before `attempt` that ended without an outcome, which is what the end of a
    /// lease leaves. Whether there were some.
    bool add_lost_leases(std::uint32_t attempt, TimePoint at);
};

/// For a store of texts: what is no UTF-8, or a zero, is replaced, and what is longer cut.
void make_storable(std::string& text, std::size_t bytes_max);

/// Of a job whose last attempt was this one.
std::string reason_of_death(
    std::uint32_t attempt, std::uint32_t max_attempts, const Failed& failed
);

/// Empty text for an empty note.
std::string format_note(const JobNote& note);
/// What others wrote there is no note.
JobNote parse_note(std::string_view text);

}  // namespace tranter::jobs
