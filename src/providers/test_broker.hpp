#pragma once

#include "providers/broker_owned.hpp"

#include <tranter/provider.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::providers {

using namespace std::chrono_literals;

/// A store in memory whose time the test moves.
class BrokerTest : public testing::Test {
  public:
    ~BrokerTest() override = default;

  protected:
    BrokerTest() : BrokerTest(OwnedBrokerOptions{.provider = {.virtual_time = true}, .seed = 1}) {}
    explicit BrokerTest(const OwnedBrokerOptions& options) { open(options); }

    void open(const OwnedBrokerOptions& options) {
        provider.reset();
        auto opened = open_broker_provider(options);
        if (!opened) throw std::runtime_error(opened.error().message());
        provider = std::move(*opened);
    }

    static NewJob job(JobOptions options = {}) {
        return {.type = "mail", .payload = R"({"to":"a"})", .options = std::move(options)};
    }

    std::string enqueue(const NewJob& job, std::string_view queue = "q") {
        const auto enqueued = provider->enqueue(queue, {&job, 1});
        if (!enqueued) throw std::runtime_error(enqueued.error().message());
        return enqueued->front().id;
    }
    std::string enqueue() { return enqueue(job()); }

    std::vector<ReceivedJob> receive(std::size_t jobs_max, std::string_view queue = "q") {
        auto received = provider->receive(
            {.queue = std::string(queue), .jobs_max = jobs_max, .worker = "tester"}
        );
        if (!received) throw std::runtime_error(received.error().message());
        return std::move(*received);
    }
    ReceivedJob receive_one() {
        auto received = receive(1);
        if (received.size() != 1) throw std::runtime_error("there was nothing to receive");
        return std::move(received.front());
    }

    Result<> settle(const ReceivedJob& received, AttemptOutcome outcome) {
        const Settlement settlement{.receipt = received.receipt, .outcome = std::move(outcome)};
        auto settled = provider->settle(received.queue, {&settlement, 1});
        if (!settled) return std::unexpected(settled.error());
        return settled->front();
    }

    JobRecord find(std::string_view id) {
        auto record = provider->find(id);
        if (!record) throw std::runtime_error(record.error().message());
        return std::move(*record);
    }
    std::vector<std::string> ids(std::string filter) {
        std::vector<std::string> ids;
        ListRequest request{.filter = std::move(filter)};
        do {
            auto page = provider->list(request);
            if (!page) throw std::runtime_error(page.error().message());
            for (const JobRecord& record : page->jobs)
                ids.push_back(record.id);
            request.cursor = page->next;
        } while (!request.cursor.empty());
        return ids;
    }
    QueueStats stats(std::string_view queue = "q") {
        auto stats = provider->stats(queue);
        if (!stats) throw std::runtime_error(stats.error().message());
        return std::move(*stats);
    }

    TimePoint now() { return provider->virtual_time()->now(); }
    void pass(std::chrono::microseconds time) {
        VirtualTime& clock = *provider->virtual_time();
        clock.advance_to(clock.now() + time);
    }

    std::shared_ptr<Provider> provider{};
};

}  // namespace tranter::providers
