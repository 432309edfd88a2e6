#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/event_loop.hpp"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// The socket to which one process and its descendants send what sd_notify(3) says. Others are not
/// believed, nor is one that has ended before it was looked at, of which nobody knows any more
/// whose child it was; systemd-notify(1) waits for us. Not thread-safe.
class NotifySocket {
  public:
    /// What was said since last time.
    struct News {
        bool is_ready = false;                // READY=1
        bool is_alive = false;                // WATCHDOG=1
        bool is_unwell = false;               // WATCHDOG=trigger
        bool is_stopping = false;             // STOPPING=1
        std::optional<std::string> status{};  // STATUS=, one line, at most 1 KiB
        /// EXTEND_TIMEOUT_USEC=, up to a day: what it is in the middle of takes so much longer.
        std::optional<Duration> more_time{};
    };
    /// May destroy it.
    using Told = std::function<void(const News& news)>;

    /// In `directory`, or without a place in the file system when that is no absolute path, or one
    /// that is too long for a socket (107 bytes). `unavailable` when it cannot be made.
    [[nodiscard]] static Result<std::unique_ptr<NotifySocket>> make(
        EventLoop& loop, const std::string& directory, Told told
    );
    ~NotifySocket();
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    /// For NOTIFY_SOCKET.
    const std::string& address() const { return address_; }
    /// From now on what comes is read. Its parent is believed too, and what that has adopted, if
    /// it is a Keeper, which is a child of ours.
    void believe(pid_t leader);
    /// Reads what has come already, which may destroy it.
    void read();

  private:
    NotifySocket(EventLoop& loop, Descriptor socket, Told told)
        : loop_(loop), socket_(std::move(socket)), told_(std::move(told)) {}
    bool receive(News& news);
    bool is_believed(pid_t sender) const;

    EventLoop& loop_;
    Descriptor socket_;
    Told told_;
    std::string address_{};  // begins with @ when it is not in the file system
    pid_t leader_ = 0;
    pid_t keeper_ = 0;
};

/// Takes what one message says, whatever it is.
void take_notification(std::string_view message, NotifySocket::News& news);

}  // namespace tranter::supervise
