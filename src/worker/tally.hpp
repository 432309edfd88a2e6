#pragma once

#include <tranter/error.hpp>
#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/worker.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace tranter::worker {

/// How attempts ended. Thread-safe.
class Tally {
  public:
    void add(const ReceivedJob& job, const AttemptOutcome& outcome);
    void add_lost();
    WorkerCounts counts() const;

  private:
    mutable std::mutex mutex_;
    WorkerCounts counts_;  // guarded by mutex_
};

/// Says once that the store does not answer, and once that it does again. Thread-safe.
class StoreWatch {
  public:
    void failed(std::string_view call, const Error& error);
    void answered() {
        if (silent_) say_it_answers();
    }

  private:
    void say_it_answers();

    std::atomic<bool> silent_ = false;
};

/// Whether the same call may succeed a moment later.
bool is_temporary(const Error& error);

}  // namespace tranter::worker
