#pragma once

#include "base/time.hpp"
#include "broker/broker.hpp"
#include "broker/store.hpp"
#include "log/directory.hpp"
#include "log/scan.hpp"
#include "log/threads.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace tranter::storage {

struct StorageOptions {
    std::filesystem::path directory{};  // empty: memory only, and the rest has no meaning
    log::Durability durability = log::Durability::sync;
    std::uint32_t segment_bytes = 64U << 20U;
    /// Save what is intact of a damaged store, rather than refuse it.
    bool repair = false;
    broker::BrokerOptions broker{};  // its receipt_key is chosen here
};

/// What came of opening a data directory.
struct StorageReport {
    std::size_t queues = 0;
    std::uint64_t messages = 0;
    Duration took{};
    std::string torn_tail{};          // empty: there was none
    std::vector<log::Damage> lost{};  // to a repair
    Duration clock_behind{};          // how far the wall clock is behind the newest record
    bool writable_by_all = false;     // the directory, for every user of the machine
    bool made = false;                // the directory: it was not there
};

/// The queues of one process, in memory or in a data directory that is locked until destruction,
/// and the threads that make them durable. Built and destroyed on one thread.
class Storage {
  public:
    /// Throws SystemError that says why the directory cannot be used and, where something can be
    /// done about it, what.
    explicit Storage(StorageOptions options);
    ~Storage();
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    broker::Broker& broker() { return store_ ? store_->broker() : *memory_; }
    /// Null in memory.
    broker::Store* store() const { return store_.get(); }
    /// Only with a store.
    std::uint64_t free_bytes() const { return directory_->disk().free_bytes(); }
    const StorageReport& opened() const { return report_; }

    /// From here on changes become durable. Nothing happens in memory.
    void start();
    /// Commits everything appended, answers who waits for it, and joins the threads.
    void finish() { threads_.reset(); }

  private:
    void open_store(const StorageOptions& options);

    std::optional<SteadyClock> clock_{};
    broker::NullJournal null_journal_{};
    StorageReport report_{};
    std::unique_ptr<broker::Broker> memory_{};
    std::unique_ptr<log::DataDirectory> directory_{};
    std::unique_ptr<broker::Store> store_{};
    std::unique_ptr<log::LogThreads> threads_{};  // last: it commits what the others appended
};

}  // namespace tranter::storage
