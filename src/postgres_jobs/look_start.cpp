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

LookStart::Start LookStart::next(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (point_.is_beginning()) return {};
    if (now < beginning_next_) return {.point = point_};
    // The others do not all do the same meanwhile.
    beginning_next_ = now + longest_rest;
    return {.is_turn = true};
}

void LookStart::saw(const Start& start, const Seen& seen, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const std::int64_t usual_rank = seen.looked_at + Micros(usual_place).count();
    // Jobs that may wait longer than usual do not put others off.
    if (seen.rank) last_rank_ = std::min(*seen.rank, usual_rank);
    if (start.point.is_beginning()) {
        if (!is_dear(seen)) {
            point_ = {};
            return;
        }
        beginning_next_ =
            now + std::clamp<Micros>(seen.took * rest_factor, shortest_rest, longest_rest);
    }
    if (seen.rank) {
        point_.rank = last_rank_;
    } else if (!start.point.is_beginning() && is_dear(seen)) {
        point_.rank = usual_rank;  // others are far ahead of us
    } else {
        point_.rank = std::max(point_.rank, last_rank_ > 0 ? last_rank_ : seen.looked_at);
    }
    if (seen.ends_from) point_.time = *seen.ends_from;
}

void LookStart::failed(const Start& start, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (start.is_turn) beginning_next_ = now;
}

std::optional<LookStart::Micros> LookStart::beginning_in(Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    if (point_.is_beginning()) return std::nullopt;
    return std::max<Micros>(
        std::chrono::milliseconds(1), std::chrono::ceil<Micros>(beginning_next_ - now)
    );
}

}  // namespace tranter::postgres_jobs
