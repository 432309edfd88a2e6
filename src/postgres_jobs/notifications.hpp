#pragma once

#include "base/wake_event.hpp"
#include "postgres/connection.hpp"
#include "postgres/retries.hpp"
#include "postgres/target.hpp"

#include <tranter/connection_metrics.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace tranter::postgres_jobs {

/// What the database says to all who listen.
enum class Channel : std::uint8_t { jobs, ends, events };

/// Listens to the database on one connection and one thread, which are begun at the first use, and
/// again when they are lost. Behind a pooler that gives each transaction another session nothing
/// can be heard: it finds out by a notification of its own, says so once in the log, and gives up.
/// Thread-safe.
class Notifications {
  public:
    struct Handler {
        std::function<void(std::string_view payload)> heard{};
        /// From now on everything is heard; what was said before was not.
        std::function<void()> listens{};
        /// Every 20 s while it is used.
        std::function<void()> tick{};
    };

    explicit Notifications(postgres::Target target) : target_(std::move(target)) {}
    ~Notifications() { close(); }
    Notifications(const Notifications&) = delete;
    Notifications& operator=(const Notifications&) = delete;

    /// Before the first use(). It is called on the thread of this, without a lock of it.
    void set_handler(Channel channel, Handler handler);
    /// Begins to listen to it, unless it does. Does not wait for that.
    void use(Channel channel);
    /// A number that is another one each time when it has begun to listen anew; 0: at present it
    /// does not.
    std::uint64_t session(Channel channel) const;
    /// Waits for session(); 0 when it is not there in time, or cannot come.
    std::uint64_t wait_for_session(Channel channel, std::chrono::milliseconds time);
    /// Nothing can be heard, and that will not change.
    bool is_deaf() const { return deaf_.load(); }
    /// Of its connection; empty until somebody uses the channel.
    std::optional<ConnectionMetrics::Listening> metrics(Channel channel) const;
    /// Finds out whether that is so. Throws DatabaseError.
    void probe();

    /// No handler is called after it, unless one of them calls it. Idempotent.
    void close();

  private:
    static constexpr std::size_t channels = 3;
    struct Line {
        Handler handler{};
        std::atomic<bool> wanted{false};
        std::atomic<std::uint64_t> session{0};
    };

    Line& line(Channel channel) { return lines_[static_cast<std::size_t>(channel)]; }
    const Line& line(Channel channel) const { return lines_[static_cast<std::size_t>(channel)]; }
    void run();
    void step();
    void connect();
    void listen_to_all();
    void tick();
    void say_deaf();
    bool take_all();
    void lose(std::string_view why);
    void sleep(std::chrono::milliseconds time, bool listens) const;

    const postgres::Target target_;
    std::array<Line, channels> lines_{};
    std::atomic<bool> deaf_{false};
    std::atomic<bool> closing_{false};
    std::atomic<std::uint64_t> made_{0};
    std::atomic<std::uint64_t> failed_{0};
    const WakeEvent wake_{};
    std::mutex mutex_;  // of beginning and ending the thread, and of changes of sessions
    std::condition_variable changed_{};
    std::thread thread_{};

    // of the thread
    std::unique_ptr<postgres::Connection> connection_{};
    postgres::Retries retries_{};
    std::uint64_t sessions_ = 0;
    postgres::Retries::Clock::time_point ticked_{};
    bool said_ = false;  // that it is lost
};

}  // namespace tranter::postgres_jobs
