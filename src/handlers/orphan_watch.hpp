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

  private:
    struct Running {
        std::uint64_t begun = 0;  // in ticks
        pid_t pid = 0;            // 0: not said
    };
    using ById = std::multimap<std::string, Running>;

  public:
    /// A process by the id of its job or its own, from its start until it was waited for.
    class Watched {
      public:
        Watched(OrphanWatch* watch, std::string id) : watch_(watch) {
            if (watch_ != nullptr) running_ = watch_->begin(std::move(id));
        }
        ~Watched() {
            if (watch_ != nullptr) watch_->end(running_);
        }
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;

        /// Its owner may take long to notice that it has ended, and nobody else may wait for it.
        void started_as(pid_t pid) {
            if (watch_ != nullptr) watch_->started(running_, pid);
        }

      private:
        OrphanWatch* watch_;
        ById::iterator running_{};
    };

  private:
    ById::iterator begin(std::string id);
    void started(ById::iterator running, pid_t pid);
    void end(ById::iterator running);
    void run();
    void sweep();
    bool is_left_behind(pid_t pid) const;
    bool has_an_owner(pid_t pid) const;

    const std::chrono::milliseconds delay_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // guarded by mutex_
    ById running_;
    bool dirty_ = false;
    bool ending_ = false;

    std::set<pid_t> zombies_;  // of the last sweep; only used by the thread
    std::thread thread_;
};

}  // namespace tranter::handlers
