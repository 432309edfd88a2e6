#pragma once

#include <tranter/worker.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <semaphore>
#include <stop_token>
#include <string>
#include <utility>

namespace tranter {

using namespace std::chrono_literals;

/// Nothing takes that long.
inline constexpr Milliseconds patience = 60s;

/// Retried at once, so that nobody waits for it.
inline RetryPolicy at_once(std::uint32_t max_attempts = 25) {
    return {.max_attempts = max_attempts, .base = 0ms, .max = 0ms};
}

/// Blocks until `stop` is requested.
inline void wait_for(const std::stop_token& stop) {
    std::binary_semaphore requested{0};
    const std::stop_callback callback(stop, [&] { requested.release(); });
    requested.acquire();
}

struct Add {
    int left = 0;
    int right = 0;
    static constexpr std::string_view kind = "add";
};

/// A store in memory, and a worker that a test starts.
class JobsTest : public testing::Test {
  public:
    ~JobsTest() override = default;

  protected:
    void start(WorkerOptions options = {}) {
        if (options.queues.empty()) options.queues = {"default"};
        if (options.concurrency == 0) options.concurrency = 2;
        worker_.emplace(client_, handlers_, std::move(options));
        worker_->start();
    }
    JobHandle enqueue(std::string type, EnqueueOptions options = {}) {
        if (!options.retry) options.retry = at_once();
        return or_throw(client_.enqueue({.type = std::move(type), .options = std::move(options)}));
    }
    JobRecord finished(const JobHandle& job) { return or_throw(job.wait_for(patience)); }

    Client client_{"memory:"};
    Registry handlers_;
    std::optional<Worker> worker_;
};

}  // namespace tranter
