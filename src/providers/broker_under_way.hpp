#pragma once

#include "base/uuid.hpp"
#include "history/entry.hpp"
#include "providers/broker_finished.hpp"

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace tranter::providers {

/// Jobs whose end is on its way: in no queue any more, and not yet told, because that waits for the
/// disk. Who looks for a job finds it here meanwhile. Thread-safe.
class JobsUnderWay {
  public:
    class Ticket;

    /// An end that was on its way when this was called, or nothing. Waits a moment for who is just
    /// about to say which jobs it is about.
    std::optional<history::JobEntry> find(const Uuid& id);

  private:
    struct Entry {
        std::uint64_t number = 0;
        bool known = false;
        std::shared_ptr<const FinishedJobs> jobs{};
    };

    std::mutex mutex_;
    std::condition_variable changed_;
    // guarded by mutex_
    std::list<Entry> entries_;  // in order of their numbers
    std::uint64_t last_number_ = 0;
    std::size_t waiting_ = 0;
};

/// Held by a call from before it ends jobs until they are told.
class JobsUnderWay::Ticket {
  public:
    explicit Ticket(JobsUnderWay& under_way);
    ~Ticket() { give_back(); }
    Ticket(Ticket&& other) noexcept
        : under_way_(std::exchange(other.under_way_, nullptr)), entry_(other.entry_) {}
    Ticket& operator=(Ticket&&) = delete;
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    /// Null: none.
    void set(std::shared_ptr<const FinishedJobs> jobs);
    /// They are told. To be said before anybody is answered, who may forget them at once.
    void end();

  private:
    void give_back();

    JobsUnderWay* under_way_;  // null: moved from
    std::list<Entry>::iterator entry_;
};

}  // namespace tranter::providers
