#pragma once

#include "base/error.hpp"
#include "postgres/connection.hpp"
#include "postgres/session.hpp"
#include "postgres/target.hpp"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tranter::postgres {

/// Transactions over up to `connections_max` connections, as Session has them over one: made when
/// they are needed, one thread at a time each, made again when they are lost. Who finds all of them
/// in use waits. Thread-safe.
class Pool {
  public:
    static constexpr std::size_t connections_max = 8;

    /// `what` begins error texts: "the store of jobs".
    Pool(Target target, std::string what);
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
    /// `work` is one statement that changes something, without a transaction around it. Called again
    /// as long as it is certain that nothing was kept, as write() is.
    template <class Work>
    auto once(Work work) -> decltype(work(std::declval<Connection&>()));
};

}  // namespace tranter::postgres
