#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"
#include "postgres/pool_metrics.hpp"
#include "postgres/retries.hpp"
#include "postgres/target.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tranter::postgres {

/// Transactions over up to `connections_max` connections: made when they are needed, one thread at
/// a time each, made again when they are lost. Who finds all of them in use waits. Behind a pooler
/// that gives each transaction another session everything runs in a transaction, which then has the
/// settings that a session has otherwise. Thread-safe.
class Pool {
  public:
    static constexpr std::size_t connections_max = 8;

    /// `what` begins error texts: "the store of jobs".
    Pool(Target target, std::string what, std::size_t most = connections_max);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// `work` gets a Connection, returns a Result and only reads, or does what may be done twice.
    /// It may be called again.
    template <class Work>
    auto read(Work work) -> decltype(work(std::declval<Connection&>()));
    /// The same in one transaction, which is undone when the result is an error. It may be called
    /// again as long as it is certain that nothing of it was kept. Who gets `unavailable` cannot
    /// know whether it was.
    template <class Work>
    auto write(Work work) -> decltype(work(std::declval<Connection&>()));
    /// `work` is one statement that changes something, or several in one Connection::execute_all(),
    /// without a transaction around it. Called again as long as it is certain that nothing was
    /// kept, as write() is. `trouble` is told what the last try met, if that ended with one.
    template <class Work>
    auto once(Work work, Trouble* trouble = nullptr) -> decltype(work(std::declval<Connection&>()));
    /// `work` begins and ends its transactions itself. Called once.
    template <class Work>
    auto bare(Work work) -> decltype(work(std::declval<Connection&>()));

    /// Never waits for the server.
    PoolMetrics metrics() const;

  private:
    static constexpr int tries_max = 3;

    struct Slot {
        std::unique_ptr<Connection> connection{};
        std::uint64_t generation = 0;
    };
    /// A connection while one thread uses it. Given back by the destructor, unless it is lost or
    /// still in a transaction.
    class Use {
      public:
        explicit Use(Pool& pool) : pool_(pool), slot_(pool.take()) {}
        ~Use() { pool_.give_back(std::move(slot_)); }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        Connection& connection() { return *slot_.connection; }

      private:
        Pool& pool_;
        Slot slot_;
    };
    enum class Around : std::uint8_t { nothing, transaction_if_pooled, transaction };

    template <class Work>
    auto attempt(Work& work, Around around, bool may_repeat_lost, Trouble* trouble = nullptr)
        -> decltype(work(std::declval<Connection&>()));
    /// Throws DatabaseError when none can be made.
    Slot take();
    void give_back(Slot slot) noexcept;
    Slot made(std::uint64_t generation);
    bool is_worth_it(const DatabaseError& error, int tries, bool may_repeat_lost);
    void count(const DatabaseError& error);

    const Target target_;
    const std::string what_;
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::condition_variable given_back_;

    // guarded by mutex_
    std::vector<Slot> idle_{};
    std::size_t used_ = 0;
    std::size_t connecting_ = 0;    // of the used ones
    PoolMetrics counts_{};          // but for what is now
    std::uint64_t generation_ = 0;  // of connections; those of an older one are not used again
    bool was_lost_ = false;
    Retries retries_{};
    DatabaseError last_error_{Trouble::away, {}};  // of connecting
};

template <class Work>
auto Pool::attempt(Work& work, Around around, bool may_repeat_lost, Trouble* trouble)
    -> decltype(work(std::declval<Connection&>())) {
    for (int tries = 1;; ++tries) {
        bool ends = false;
        bool begun = false;
        try {
            Use use(*this);
            Connection& connection = use.connection();
            begun = around == Around::transaction ||
                    (around == Around::transaction_if_pooled && connection.is_pooled());
            if (begun) connection.begin();
            auto result = work(connection);
            ends = result.has_value();
            if (begun) ends ? connection.commit() : connection.rollback();
            return result;
        } catch (const DatabaseError& error) {
            // In a transaction nothing is kept before its commit was sent.
            const bool repeat_lost = may_repeat_lost || (begun && !ends);
            if (!is_worth_it(error, tries, repeat_lost)) {
                if (trouble != nullptr) *trouble = error.trouble();
                return std::unexpected(as_error(error, what_));
            }
        }
    }
}

template <class Work>
auto Pool::read(Work work) -> decltype(work(std::declval<Connection&>())) {
    return attempt(work, Around::transaction_if_pooled, true);
}

template <class Work>
auto Pool::write(Work work) -> decltype(work(std::declval<Connection&>())) {
    return attempt(work, Around::transaction, false);
}

template <class Work>
auto Pool::once(Work work, Trouble* trouble) -> decltype(work(std::declval<Connection&>())) {
    return attempt(work, Around::transaction_if_pooled, false, trouble);
}

template <class Work>
auto Pool::bare(Work work) -> decltype(work(std::declval<Connection&>())) {
    try {
        Use use(*this);
        return work(use.connection());
    } catch (const DatabaseError& error) {
        count(error);
        return std::unexpected(as_error(error, what_));
    }
}

}  // namespace tranter::postgres
