#pragma once

#include "broker/broker.hpp"
#include "log/compaction.hpp"
#include "log/log.hpp"

#include <memory>
#include <string>

namespace tranter::broker {

struct StoreOptions {
    BrokerOptions broker{};  // its receipt_key is replaced by the store's own
    log::LogOptions log{};
};

/// What was found when a store was opened.
struct StoreReport {
    log::OpenReport log{};
    std::size_t queues = 0;
    std::uint64_t messages = 0;
    /// Time of the newest record: the clock of the store must not start before it.
    Instant newest{};
};

/// A broker whose queues live in a log: opening it replays the log, every change goes through it.
/// Starts no threads: the owner gives `log()` and `keeper()` to log::LogThreads, or drives
/// log().write(), log().sync() and a log::Compactor itself, as the simulation does.
class Store {
  public:
    /// `clock` is called with the time of the newest record, and returns the clock to use, which
    /// must not go behind it. Throws log::CorruptLog or log::DiskError.
    using MakeClock = std::move_only_function<const Clock&(Instant newest)>;
    Store(log::Disk& disk, StoreOptions options, MakeClock clock);
    ~Store();

    Broker& broker();
    log::Log& log();
    log::Keeper& keeper();
    const StoreReport& opened() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::broker
