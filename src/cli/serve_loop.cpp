#include "cli/serve_loop.hpp"

#include "base/error.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <system_error>

namespace tranter::cli {
namespace {

sigset_t stop_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    return signals;
}

int checked(int fd, const char* what) {
    if (fd >= 0) return fd;
    throw SystemError(std::string(what) + ": " + std::generic_category().message(errno));
}

/// Conventional status of a process that a signal ended.
constexpr int signal_status_base = 128;
constexpr auto stuck_after = std::chrono::seconds(5);
// How late what came due while the machine slept may be: the time of ppoll() stands still then.
constexpr Duration longest_sleep = std::chrono::seconds(10);

}  // namespace

ServeLoop::ServeLoop(broker::Broker& broker) : broker_(broker) {
    const sigset_t signals = stop_signals();
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal_fd_ = checked(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
    wake_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    broker_.on_earlier_event([this] { wake(); });
}

ServeLoop::~ServeLoop() {
    ::close(signal_fd_);
    ::close(wake_fd_);
}

void ServeLoop::wake() {
    if (woken_.exchange(true)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void ServeLoop::run_until_signal() {
    for (;;) {
        timespec timeout{};
        timespec* limit = nullptr;
        if (const auto next = broker_.next_event()) {
            const auto wait = std::clamp(*next - broker_.now(), Duration::zero(), longest_sleep);
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
            timeout.tv_sec = seconds.count();
            timeout.tv_nsec = std::chrono::nanoseconds(wait - seconds).count();
            limit = &timeout;
        }
        std::array<pollfd, 2> fds{
            pollfd{.fd = signal_fd_, .events = POLLIN, .revents = 0},
            pollfd{.fd = wake_fd_, .events = POLLIN, .revents = 0}};
        if (::ppoll(fds.data(), fds.size(), limit, nullptr) < 0 && errno != EINTR) {
            throw SystemError("ppoll: " + std::generic_category().message(errno));
        }
        if ((fds[0].revents & POLLIN) != 0) return;
        if ((fds[1].revents & POLLIN) != 0) {
            // Cleared before looking, so that a later event wakes us again.
            std::uint64_t count = 0;
            [[maybe_unused]] const auto read = ::read(wake_fd_, &count, sizeof count);
            woken_ = false;
        }
        busy_since_ = std::chrono::steady_clock::now();
        broker_.run_due();
        busy_since_ = std::chrono::steady_clock::time_point();
    }
}

bool ServeLoop::is_stuck() const {
    const auto since = busy_since_.load();
    if (since == std::chrono::steady_clock::time_point()) return false;
    return std::chrono::steady_clock::now() - since > stuck_after;
}

void ServeLoop::exit_on_next_signal() {
    signalfd_siginfo first{};
    [[maybe_unused]] const auto read = ::read(signal_fd_, &first, sizeof first);
    struct sigaction action {};
    action.sa_handler = [](int signal) {
        ::_exit(signal_status_base + signal);
    };
    const sigset_t signals = stop_signals();
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace tranter::cli
