#pragma once

#include "base/error.hpp"
#include "postgres/pool.hpp"

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace tranter::postgres_jobs {

/// What one round of maintenance has done.
struct Maintained {
    bool is_other_busy = false;           // and nothing was done here
    std::vector<std::int64_t> begun{};    // periods of the history
    std::vector<std::int64_t> indexed{};  // that ended, and can be searched fast now
    std::vector<std::int64_t> dropped{};  // that were too old or too many
    std::uint64_t forgotten = 0;          // rows of throttles and workers
    std::uint64_t skipped = 0;            // steps that somebody else is at

    bool operator==(const Maintained&) const = default;
};

enum class MaintenanceTime : std::uint8_t {
    when_due,  // if nobody has begun within the last minute
    now,       // unless somebody is at it
};

/// Does what the tables need now and then, in steps that each are a transaction: begins a new
/// period of the history, indexes the ones that have ended, drops those that are too old, forgets
/// workers and keys. Jobs go on meanwhile; only what changes a single finished job of a period that
/// is being indexed waits for that, some ten seconds. A step is skipped while somebody else is at
/// the same one, however long it takes. Settings stand in tranter.job_settings:
///
///     history_rows_max      10000000    finished jobs; about, whole periods go. 0: no limit
///     history_age_max_s     7776000     90 days since they finished; 0: no limit
///     history_period_rows   250000      after so many a new period begins
///     history_period_bytes  1073741824  or with so many bytes
///
/// `stop` also ends the step that is under way, which is then undone. Errors as of any call.
[[nodiscard]] Result<Maintained> maintain(
    postgres::Pool& pool, MaintenanceTime when, const std::stop_token& stop = {}
);

/// Maintains once a minute on a thread of its own, from begin() on: nobody who receives may wait
/// for an index. Thread-safe.
class Maintainer {
  public:
    explicit Maintainer(postgres::Pool& pool) : pool_(pool) {}
    ~Maintainer() { close(); }
    Maintainer(const Maintainer&) = delete;
    Maintainer& operator=(const Maintainer&) = delete;

    /// Idempotent.
    void begin();
    /// Ends it, and the step that is under way. Idempotent, for good.
    void close();

  private:
    void run() const;

    postgres::Pool& pool_;
    const std::stop_source stop_{};
    std::mutex mutex_;
    std::thread thread_{};  // guarded by mutex_
};

}  // namespace tranter::postgres_jobs
