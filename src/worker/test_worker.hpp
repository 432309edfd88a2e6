#pragma once

#include "jobs/test_provider.hpp"

#include <tranter/client.hpp>
#include <tranter/registry.hpp>
#include <tranter/worker.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <semaphore>
#include <stop_token>
#include <string>
#include <utility>

namespace tranter {

/// Blocks until `stop` is requested.
inline void wait_for(const std::stop_token& stop) {
    std::binary_semaphore requested{0};
    const std::stop_callback callback(stop, [&] { requested.release(); });
    requested.acquire();
}

class WorkerTest : public testing::Test {
  public:
    ~WorkerTest() override = default;

  protected:
    WorkerTest() {
        provider_->can.progress = true;
        provider_->can.steps = true;
        provider_->can.ttl = true;
    }

    /// Before what its handlers use is gone.
    void TearDown() override { worker_.reset(); }

    Worker& start(WorkerOptions options = {}) {
        if (options.queues.empty()) options.queues = {"default"};
        if (options.concurrency == 0) options.concurrency = 2;
        worker_.emplace(client_, handlers_, std::move(options));
        worker_->start();
        return *worker_;
    }
    std::string enqueue(std::string type, EnqueueOptions options = {}) {
        return client_.enqueue({.type = std::move(type), .options = std::move(options)})->id();
    }
    TestProvider::Ended first_ended() { return provider_->wait_for_ended(1).at(0); }
    WorkerCounts counts_after_stop() {
        worker_->stop();
        return worker_->figures().counts;
    }

    std::shared_ptr<TestProvider> provider_ = std::make_shared<TestProvider>();
    Client client_{provider_};
    Registry handlers_;
    std::optional<Worker> worker_;
};

}  // namespace tranter
