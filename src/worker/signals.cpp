#include "base/sudden_end.hpp"

#include <tranter/exception.hpp>
#include <tranter/worker.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <thread>

namespace tranter {

namespace {

// What a signal handler may touch.
std::atomic<int> signal_event = -1;
std::atomic<bool> signal_seen = false;
std::atomic<bool> hangup_seen = false;
static_assert(std::atomic<int>::is_always_lock_free);

void wake_watcher() {
    const int error = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(signal_event, &one, sizeof one);
    errno = error;
}

extern "C" void handle_stop_signal(int number) {
    if (signal_seen.exchange(true)) {
        if (const SuddenEnd act = sudden_end) act();
        std::signal(number, SIG_DFL);
        std::raise(number);
        return;
    }
    wake_watcher();
}

/// A terminal that is closed may send it twice, and systemd after SIGTERM: it asks, and never for
/// more.
extern "C" void handle_hangup(int) {
    hangup_seen = true;
    wake_watcher();
}

/// A signal handler cannot request a stop itself, because that locks.
class SignalWatch {
  public:
    SignalWatch() {
        signal_event = ::eventfd(0, EFD_CLOEXEC);
        if (signal_event < 0) {
            throw Exception(Error(Errc::internal, "no file descriptor is left for signals"));
        }
        watcher_ = std::thread([this] {
            std::uint64_t count = 0;
            while (::read(signal_event, &count, sizeof count) < 0 && errno == EINTR) {
            }
            if (signal_seen || hangup_seen) source_.request_stop();
        });
        struct sigaction action {};
        action.sa_handler = handle_stop_signal;
        action.sa_flags = SA_RESTART;
        ::sigaction(SIGINT, &action, nullptr);
        ::sigaction(SIGTERM, &action, nullptr);
        listen_for_hangup(action);
    }
    ~SignalWatch() {
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        if (hears_hangup_) std::signal(SIGHUP, SIG_DFL);
        wake_watcher();
        watcher_.join();
        ::close(signal_event);
    }
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

    std::stop_token token() const { return source_.get_token(); }

  private:
    /// Unless whoever started us does not want that: see nohup(1).
    void listen_for_hangup(struct sigaction action) {
        struct sigaction before {};
        ::sigaction(SIGHUP, nullptr, &before);
        if (before.sa_handler == SIG_IGN) return;
        hears_hangup_ = true;
        action.sa_handler = handle_hangup;
        ::sigaction(SIGHUP, &action, nullptr);
    }

    std::stop_source source_;
    std::thread watcher_;
    bool hears_hangup_ = false;
};

}  // namespace

std::stop_token stop_on_signals() {
    static const SignalWatch watch;
    return watch.token();
}

}  // namespace tranter
