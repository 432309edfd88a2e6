#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace tranter::postgres_jobs {

/// Where the looks of this process for jobs of one queue begin.
///
/// What an index says of jobs that have gone stays in it until a vacuum takes it away, and while
/// somebody has an old snapshot open, which a dump has for hours, none can. A look from the very
/// beginning passes over all of that each time. So when one has read far more than it gave, those
/// after it begin at the first job that was found last, and at the first lease that ends. What came
/// to stand before that (more urgent jobs, jobs that were committed late or put back, shorter
/// leases) is found by the next look from the beginning: after ten times what that takes, at least
/// 20 ms and at most 10 s. Thread-safe.
class LookStart {
  public:
    using Clock = std::chrono::steady_clock;
    using Micros = std::chrono::microseconds;

    static constexpr std::chrono::milliseconds shortest_rest{20};
    static constexpr std::chrono::seconds longest_rest{10};
    /// A job of the usual priority stands so far behind the moment from which it may begin.
    static constexpr std::chrono::minutes usual_place{5};

    /// As tranter.fetch takes it. Microseconds since 1970 of the database's clock, both.
    struct Point {
        std::int64_t rank = 0;
        std::int64_t time = 0;

        bool is_beginning() const { return rank == 0 && time == 0; }
        bool operator==(const Point&) const = default;
    };
    struct Start {
        Point point{};
        bool is_turn = false;  // of a look from the beginning, which has to let time pass
    };
    /// As tranter.fetch answers.
    struct Seen {
        std::uint64_t jobs = 0;
        std::optional<std::int64_t> rank{};  // of the first one
        std::int64_t looked_at = 0;
        std::optional<std::int64_t> ends_from{};
        std::int64_t blocks = 0;
        Micros took{};
    };

    Start next(Clock::time_point now = Clock::now());
    void saw(const Start& start, const Seen& seen, Clock::time_point now = Clock::now());
    /// It did not come to an end.
    void failed(const Start& start, Clock::time_point now = Clock::now());
    /// In how long a look begins at the beginning again, when not all of them do. At least 1 ms.
    std::optional<Micros> beginning_in(Clock::time_point now = Clock::now()) const;

  private:
    mutable std::mutex mutex_;
    // guarded by mutex_
    Point point_{};
    std::int64_t last_rank_ = 0;  // of the first job of the last look that found one; 0: none did
    Clock::time_point beginning_next_{};
};

}  // namespace tranter::postgres_jobs
