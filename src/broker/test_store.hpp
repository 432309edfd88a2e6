#pragma once

#include "broker/store.hpp"
#include "log/compaction.hpp"
#include "log/directory.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

/// A store in a directory of its own that can be closed and opened again, under a clock that the
/// test turns and with commits that the test makes.
namespace tranter::broker {

class StoreClock final : public Clock {
  public:
    Instant now() const override { return Instant(Duration(micros_.load())); }
    void pass(Duration duration) { micros_ += duration.count(); }

  private:
    std::atomic<std::int64_t> micros_{1'767'323'045'000'000};
};

class StoreTest : public testing::Test {
  public:
    ~StoreTest() override {
        store.reset();
        data.reset();
        std::filesystem::remove_all(directory);
    }

  protected:
    StoreTest() {
        static std::atomic<int> count{0};
        directory = std::filesystem::temp_directory_path() /
                    ("tranter-store-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        options.log.durability = log::Durability::os;  // a commit is a write, which is fast
        options.log.reserve_bytes = 0;
        options.log.segment_bytes = 8192;
        options.log.grow_bytes = 4096;
        open();
    }
    void open() {
        data.emplace(directory);
        store = std::make_unique<Store>(data->disk(), options, [this](Instant newest) -> Clock& {
            EXPECT_LE(newest, clock.now());
            return clock;
        });
    }
    void reopen() {
        commit();
        store.reset();
        data.reset();
        open();
    }
    void commit() { store->log().write(); }

    /// Compacts everything but the newest segment.
    void compact() {
        log::Compactor compactor(store->log(), store->keeper());
        const auto newest = store->log().figures().newest_segment;
        while (store->log().figures().oldest_segment < newest) {
            if (compactor.step(true) == log::Compactor::Need::durable) commit();
        }
    }
    /// Fills the newest segment, so that compact() reaches what is in it.
    void next_segment() {
        const auto newest = store->log().figures().newest_segment;
        const QueueHandle filler =
            broker().find_queue("filler") ? broker().find_queue("filler") : make("filler");
        while (store->log().figures().newest_segment == newest) {
            std::ignore = broker().purge(filler);
            commit();
        }
    }

    Broker& broker() { return store->broker(); }
    QueueHandle make(std::string_view name, QueueSettings settings = {}) {
        return broker().create_queue(name, std::move(settings)).value();
    }
    QueueHandle find(std::string_view name) { return broker().find_queue(name); }
    QueueHandle make_fifo(std::string_view name, QueueSettings settings = {}) {
        settings.engine.groups.order = engine::Order::fifo;
        return make(name, std::move(settings));
    }

    engine::Sent send(
        const QueueHandle& queue,
        std::string_view body,
        engine::SendOptions send_options = {},
        std::string_view deduplication_id = {}
    ) {
        clock.pass(Duration(1000));
        const auto payload = engine::Payload::make(
            {.body = body,
             .attributes = "attributes",
             .deduplication_id = deduplication_id,
             .sender = "sender",
             .id = {static_cast<std::uint8_t>(++ids)}}
        );
        return broker().send(queue, {.payload = payload, .options = send_options}).sent.value();
    }
    std::vector<engine::Delivery> receive(const QueueHandle& queue, std::uint32_t max = 10) {
        clock.pass(Duration(1000));
        std::optional<engine::Received> received;
        std::ignore =
            broker().receive(queue, {.max_messages = max}, false, [&](engine::Received answer) {
                received = std::move(answer);
            });
        if (!received) store->log().write();
        EXPECT_TRUE(received);
        return std::move(received->deliveries);
    }
    std::string bodies(const QueueHandle& queue, std::uint32_t max = 10) {
        std::string all;
        for (const engine::Delivery& delivery : receive(queue, max)) {
            if (!all.empty()) all += ' ';
            all += delivery.payload.body();
        }
        return all;
    }

    StoreClock clock;
    StoreOptions options;
    std::filesystem::path directory;
    std::optional<log::DataDirectory> data;
    std::unique_ptr<Store> store;
    std::uint32_t ids = 0;
};

}  // namespace tranter::broker
