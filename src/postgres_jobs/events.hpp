#pragma once

#include "jobs/job_event_hub.hpp"
#include "postgres/pool.hpp"
#include "postgres_jobs/notifications.hpp"

#include <tranter/provider.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

/// Tells listeners of this process what the functions in the database say, which they do only while
/// somebody asks for it (tranter.tell_events). On a connection and a thread of its own, as
/// listeners may take their time. Thread-safe.
class EventHub {
  public:
    /// A reference: outlives this.
    EventHub(postgres::Pool& pool, const postgres::Target& target);
    EventHub(const EventHub&) = delete;
    EventHub& operator=(const EventHub&) = delete;

    /// As Provider::subscribe(). `unsupported` behind a pooler that passes no notifications on.
    Result<std::shared_ptr<void>> subscribe(Provider::Listener listener);
    void close() { notifications_.close(); }

  private:
    void hear(std::string_view payload);
    /// Asks for events for the next minute.
    Result<> ask();
    void renew();

    postgres::Pool& pool_;
    jobs::JobEventHub hub_{};
    std::mutex mutex_;
    std::vector<std::weak_ptr<void>> subscriptions_{};  // guarded by mutex_
    bool has_listened_ = false;                         // of the thread of notifications_
    Notifications notifications_;                       // last: its thread uses the others
};

}  // namespace tranter::postgres_jobs
