#pragma once

#include "postgres_jobs/notifications.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace tranter::postgres_jobs {

/// Who waits for the end of a job. Thread-safe.
class Ends {
  public:
    using Clock = std::chrono::steady_clock;

    /// A reference: outlives this.
    explicit Ends(Notifications& notifications);
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;

    /// One wait for one job. Hears what is said from its beginning on.
    class Wait {
      public:
        Wait(Ends& ends, std::string_view job);
        ~Wait();
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;

        /// Until something was said of the job since the last call, it cannot be known any more
        /// whether it was, or `until`.
        void sleep(Clock::time_point until);

      private:
        friend class Ends;
        Ends& ends_;
        const std::string job_;
        std::condition_variable changed_{};
        bool told_ = false;  // guarded by Ends::mutex_
    };

    /// As of Notifications.
    std::uint64_t session() const { return notifications_.session(Channel::ends); }
    bool is_closed() const;
    /// Ends all waits, for good.
    void close();

  private:
    void tell(std::string_view job);

    Notifications& notifications_;
    mutable std::mutex mutex_;

    // guarded by mutex_
    std::set<Wait*> waits_{};
    bool closed_ = false;
};

}  // namespace tranter::postgres_jobs
