#pragma once

#include "http/client.hpp"
#include "telemetry/settings.hpp"
#include "telemetry/span.hpp"

#include <tranter/tracing.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::telemetry {

/// Sends spans to a collector from a thread of its own, in batches: when one is full, or some time
/// after its first span. What the collector refuses for good is failed; while it does not answer,
/// or says that it is busy, a batch is tried again for half a minute. Thread-safe.
class Exporter {
  public:
    explicit Exporter(Settings settings);
    /// Sends what is left, for 5 s at most.
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    /// Never waits for the network. Drops the span when the queue is full.
    void push(Span&& span);
    SpanCounts counts() const;

  private:
    enum class Answer : std::uint8_t { taken, refused, again };

    void send_all(const std::stop_token& stop);
    /// Empty when the exporter ends and nothing is left.
    std::vector<Span> take(const std::stop_token& stop);
    void send(const std::vector<Span>& batch);
    Answer try_once(const std::string& body, std::uint64_t& rejected);
    void say_problem(std::string_view error);

    const Settings settings_;
    std::stop_source give_up_;
    http::Client client_;     // of the thread
    bool is_silent_ = false;  // of the thread: the collector did not take the last batch
    std::atomic<std::uint64_t> exported_ = 0;
    std::atomic<std::uint64_t> failed_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    // Guarded by mutex_:
    std::deque<Span> queue_;
    std::uint64_t dropped_ = 0;
    bool has_ended_ = false;
    std::jthread thread_;  // last: uses the rest
};

}  // namespace tranter::telemetry
