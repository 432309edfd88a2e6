#include "providers/broker_owned.hpp"

#include "base/time.hpp"
#include "providers/broker_job_codec.hpp"
#include "storage/event_thread.hpp"
#include "storage/machine.hpp"
#include "storage/storage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

namespace tranter::providers {
namespace {

/// Time that stands still until it is set.
class HandClock final : public Clock {
  public:
    Instant now() const override { return now_.load(); }
    void set(Instant now) { now_.store(now); }

  private:
    // Any whole second, so that times in tests are easy to read.
    std::atomic<Instant> now_{Instant(std::chrono::hours(24 * 365 * 56))};
};

/// A broker in memory under such a clock.
struct VirtualStore {
    HandClock clock{};
    broker::NullJournal journal{};
    broker::Broker broker{{}, clock, journal};
};

storage::StorageOptions storage_options_of(const OwnedBrokerOptions& options) {
    storage::StorageOptions storage;
    storage.directory = options.directory;
    storage.broker.memory_limit = storage::machine_memory() / 2;
    if (options.provider.durability == "os") storage.durability = log::Durability::os;
    return storage;
}

/// What the provider stands on.
class OwnedStore {
  public:
    explicit OwnedStore(const OwnedBrokerOptions& options) {
        if (options.provider.virtual_time) {
            virtual_ = std::make_unique<VirtualStore>();
        } else {
            storage_.emplace(storage_options_of(options));
        }
        if (options.provider.history) {
            const Clock& clock = virtual_ ? static_cast<const Clock&>(virtual_->clock) : clock_;
            history_ = open_job_history(options.directory, clock);
        }
    }

    broker::Broker& broker() { return virtual_ ? virtual_->broker : storage_->broker(); }
    JobHistory* history() { return history_.get(); }
    VirtualStore* virtual_store() { return virtual_.get(); }

    void start() {
        if (virtual_) return;
        storage_->start();
        events_.emplace(storage_->broker());
    }

    /// Nothing calls the broker, and nothing is called by it, after this.
    void finish() {
        broker().stop();
        events_.reset();
        if (storage_) storage_->finish();
    }

  private:
    const SteadyClock clock_{};
    std::unique_ptr<VirtualStore> virtual_{};
    std::optional<storage::Storage> storage_{};
    std::unique_ptr<JobHistory> history_{};
    std::optional<storage::EventThread> events_{};
};

/// The engine's own next event may be one of its bookkeeping; this is what a test can see happen.
void add_next_event(
    broker::Broker& broker, const broker::QueueHandle& queue, std::optional<Instant>& next
) {
    constexpr std::size_t chunk = 1'000;
    const auto add = [&next](Instant when) {
        next = next ? std::min(*next, when) : when;
    };
    std::vector<engine::MessageView> messages;
    do {
        const auto last = messages.empty() ? engine::MessageView{} : messages.back();
        messages = broker.list(queue, last.slot, last.sequence, chunk);
        for (const engine::MessageView& message : messages) {
            using State = engine::MessageView::State;
            if (message.state != State::visible) add(message.due);
            const bool may_expire = message.state != State::in_flight && message.source_queue == 0;
            if (may_expire && message.deadline != Instant{}) add(message.deadline);
        }
    } while (messages.size() == chunk);
}

/// The store is a base so that it is there before the provider.
class OwnedBrokerProvider final : private OwnedStore, public BrokerProvider, public VirtualTime {
  public:
    explicit OwnedBrokerProvider(const OwnedBrokerOptions& options)
        : OwnedStore(options),
          BrokerProvider(
              OwnedStore::broker(),
              OwnedStore::history(),
              {.name = options.directory.empty() ? "memory" : "file",
               .virtual_time = options.provider.virtual_time,
               .seed = options.seed}
          ) {
        start();
    }

    ~OwnedBrokerProvider() override {
        BrokerProvider::close();
        finish();
    }

    void close() override {
        BrokerProvider::close();
        broker().stop();
    }

    VirtualTime* virtual_time() override { return virtual_store() ? this : nullptr; }

    TimePoint now() const override {
        return to_time_point(const_cast<OwnedBrokerProvider*>(this)->broker().now());
    }

    std::optional<TimePoint> next_event() const override {
        broker::Broker& all = const_cast<OwnedBrokerProvider*>(this)->broker();
        std::optional<Instant> next;
        for (const broker::QueueHandle& queue : all.list_queues({}, {}, std::string::npos))
            add_next_event(all, queue, next);
        if (!next) return std::nullopt;
        return to_time_point(*next);
    }

    void advance_to(TimePoint when) override {
        // Step by step, so that nobody who is woken sees a later time than what woke him.
        const Instant end = to_instant(when);
        while (broker().now() < end) {
            auto next = broker().next_change();
            if (next && *next <= broker().now()) {
                broker().run_due();
                next = broker().next_change();
            }
            // What is due still will not change by waiting for it.
            const bool between = next && *next > broker().now() && *next < end;
            virtual_store()->clock.set(between ? *next : end);
            broker().run_due();
        }
    }
};

Result<> check_owned(const OwnedBrokerOptions& options) {
    const std::string& durability = options.provider.durability;
    if (!options.directory.empty() && options.provider.virtual_time) {
        return fail(Errc::unsupported, "a file: store has no virtual time, only memory: has it");
    }
    if (durability == "sync" || durability == "os") return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("durability is \"{}\", it must be \"sync\" or \"os\"", durability)
    );
}

}  // namespace

Result<std::shared_ptr<Provider>> open_broker_provider(const OwnedBrokerOptions& options) {
    if (auto good = check_owned(options); !good) return std::unexpected(good.error());
    try {
        return std::make_shared<OwnedBrokerProvider>(options);
    } catch (const SystemError& error) {
        return fail(Errc::unavailable, error.what());
    }
}

}  // namespace tranter::providers
