#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace tranter::handlers {

/// Ends what handlers leave behind outside of their process group (setsid, double fork). Makes this
/// process the parent of such orphans, and a while after a job or a long-lived process has ended
/// kills those that were started for it, which their environment says. Does nothing while none
/// ends. Thread-safe.
class OrphanWatch {
  public:
    explicit OrphanWatch(std::chrono::milliseconds delay = std::chrono::seconds(1));
    ~OrphanWatch();
    OrphanWatch(const OrphanWatch&) = delete;
    OrphanWatch& operator=(const OrphanWatch&) = delete;

    /// A process by the id of its job or its own, from its start to its end.
    class Watched {
      public:
        Watched(OrphanWatch* watch, std::string id) : watch_(watch), id_(std::move(id)) {
            if (watch_ != nullptr) watch_->begin(id_);
        }
        ~Watched() {
            if (watch_ != nullptr) watch_->end(id_);
        }
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;

      private:
        OrphanWatch* watch_;
        std::string id_;
    };

  private:
    void begin(const std::string& id);
    void end(const std::string& id);
    void run();
    void sweep();
    bool is_left_behind(pid_t pid) const;

    const std::chrono::milliseconds delay_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // guarded by mutex_
    std::multimap<std::string, std::uint64_t> running_;  // ids, and the ticks of their begin
    bool dirty_ = false;
    bool ending_ = false;

    std::set<pid_t> zombies_;  // of the last sweep; only used by the thread
    std::thread thread_;
};

}  // namespace tranter::handlers
