#pragma once

#include <tranter/telemetry.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <thread>
#include <utility>

namespace tranter {

/// What a registration and what it is attached to share.
class QueueTelemetry::State {
  public:
    State(std::shared_ptr<Provider> provider, QueueTelemetryOptions options)
        : provider_(std::move(provider)), options_(std::move(options)) {}
    ~State() { detach(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    /// Metrics come from now on, unless they are switched off.
    static void start(const std::shared_ptr<State>& state);
    void handle(const QueueEvent& event);
    QueueEventCounts counts() const;
    void detach();

  private:
    static constexpr std::size_t kinds = 5;

    class Call;

    void report_once();

    const std::shared_ptr<Provider> provider_;
    const QueueTelemetryOptions options_;
    std::array<std::atomic<std::uint64_t>, kinds> counts_{};  // by kind
    std::shared_mutex calling_;                               // shared by calls of handlers
    std::atomic<bool> detached_ = false;
    std::jthread reporter_;  // last: uses the rest
};

}  // namespace tranter
