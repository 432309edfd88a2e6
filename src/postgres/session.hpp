#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"
#include "postgres/target.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace tranter::postgres {

/// When a connection that could not be made is tried again: after 50 ms, then twice as long each
/// time, up to 5 s. One thread at a time.
class Retries {
  public:
    using Clock = std::chrono::steady_clock;

    bool are_due() const { return Clock::now() >= next_; }
    void failed();
    void succeeded() { rest_ = {}; }

  private:
    std::chrono::milliseconds rest_{};
    Clock::time_point next_{};
};

/// Transactions over a connection that is made when it is needed, and again when it is lost.
/// Thread-safe: one at a time.
class Session {
  public:
    /// `what` begins error texts: "the store of schedules".
    Session(Target target, std::string what);

    /// `work` gets a Connection, returns a Result and only reads. It may be called again.
    template <class Work>
    auto read(Work work) -> decltype(work(std::declval<Connection&>()));
    /// The same in one transaction, which is undone when the result is an error. It may be called
    /// again as long as it is certain that nothing of it was kept. Who gets `unavailable` cannot
    /// know whether it was.
    template <class Work>
    auto write(Work work) -> decltype(work(std::declval<Connection&>()));

  private:
    static constexpr int tries_max = 3;

    Connection& connected();
    void undo();
    /// Whether `work` is worth another try.
    bool is_worth_it(const DatabaseError& error, int tries);
    Error as_error(const DatabaseError& error) const;

    const Target target_;
    const std::string what_;
    std::mutex mutex_;

    // guarded by mutex_
    std::unique_ptr<Connection> connection_{};
    bool had_one_ = false;
    Retries retries_{};
    std::string last_error_{};  // of connecting
};

template <class Work>
auto Session::read(Work work) -> decltype(work(std::declval<Connection&>())) {
    const std::lock_guard lock(mutex_);
    for (int tries = 1;; ++tries) {
        try {
            return work(connected());
        } catch (const DatabaseError& error) {
            if (!is_worth_it(error, tries)) return std::unexpected(as_error(error));
        }
    }
}

template <class Work>
auto Session::write(Work work) -> decltype(work(std::declval<Connection&>())) {
    const std::lock_guard lock(mutex_);
    for (int tries = 1;; ++tries) {
        bool ends = false;
        try {
            Connection& connection = connected();
            connection.run("BEGIN");
            auto result = work(connection);
            ends = result.has_value();
            connection.run(ends ? "COMMIT" : "ROLLBACK");
            return result;
        } catch (const DatabaseError& error) {
            undo();
            const bool may_be_kept = ends && error.trouble() == Trouble::lost;
            if (may_be_kept || !is_worth_it(error, tries)) {
                return std::unexpected(as_error(error));
            }
        }
    }
}

}  // namespace tranter::postgres
