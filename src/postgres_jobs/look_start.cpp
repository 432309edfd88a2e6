#include "postgres_jobs/look_start.hpp"

#include <algorithm>

namespace tranter::postgres_jobs {
namespace {

/// A job is read where it is found and where it is locked; both with room for another version.
constexpr std::uint64_t blocks_of_job = 4;
constexpr std::uint64_t blocks_beside = 32;
constexpr int rest_factor = 10;

bool is_dear(const LookStart::Seen& seen) {
    return static_cast<std::uint64_t>(seen.blocks) > blocks_beside + blocks_of_job * seen.jobs;
}

}  // namespace

LookStart::Point LookStart::next(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (point_.is_beginning()) return {};
    if (now < beginning_next_) return point_;
    // The others do not all do the same meanwhile.
    beginning_next_ = now + longest_rest;
    return {};
}

void LookStart::saw(Point from, const Seen& seen, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (seen.jobs > 0) last_rank_ = seen.rank;
    if (from.is_beginning()) {
        if (!is_dear(seen)) {
            point_ = {};
            return;
        }
        const auto rest = std::clamp<Micros>(seen.took * rest_factor, shortest_rest, longest_rest);
        beginning_next_ = now + rest;
    }
    point_.rank = last_rank_ > 0 ? last_rank_ : seen.rank;
    if (seen.leases_from) point_.time = *seen.leases_from;
}

std::optional<LookStart::Micros> LookStart::beginning_in(Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    if (point_.is_beginning()) return std::nullopt;
    return std::max(Micros(0), std::chrono::ceil<Micros>(beginning_next_ - now));
}

}  // namespace tranter::postgres_jobs
