#include "schedule/waker.hpp"

#include "base/error.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>

namespace tranter::schedule {
namespace {

/// Never in the past, which would disarm it: a moment that has passed is one that comes at once.
itimerspec timer_at(TimePoint when) {
    const auto micros = std::max<std::int64_t>(when.time_since_epoch().count(), 1);
    itimerspec timer{};
    timer.it_value.tv_sec = micros / 1'000'000;
    timer.it_value.tv_nsec = micros % 1'000'000 * 1000;
    return timer;
}

void take_count(int fd) {
    std::uint64_t count = 0;
    // ECANCELED says that the clock was set, which is reason enough to look.
    [[maybe_unused]] const auto bytes = ::read(fd, &count, sizeof(count));
}

}  // namespace

Waker::Waker()
    : timer_fd_(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)),
      event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (timer_fd_ >= 0 && event_fd_ >= 0) return;
    const std::string why = std::strerror(errno);
    if (timer_fd_ >= 0) ::close(timer_fd_);
    if (event_fd_ >= 0) ::close(event_fd_);
    throw SystemError("cannot make a timer: " + why);
}

Waker::~Waker() {
    ::close(timer_fd_);
    ::close(event_fd_);
}

void Waker::wake() {
    const std::uint64_t one = 1;
    // It only fails when the count is at its end, and then the sleep ends anyway.
    [[maybe_unused]] const auto bytes = ::write(event_fd_, &one, sizeof(one));
}

void Waker::sleep_until(TimePoint when, int other_fd, const std::stop_token& stop) {
    const std::stop_callback on_stop(stop, [this] { wake(); });
    const itimerspec timer = timer_at(when);
    ::timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &timer, nullptr);
    std::array<pollfd, 3> waiting{
        pollfd{.fd = timer_fd_, .events = POLLIN, .revents = 0},
        pollfd{.fd = event_fd_, .events = POLLIN, .revents = 0},
        pollfd{.fd = other_fd, .events = POLLIN, .revents = 0}};
    ::poll(waiting.data(), waiting.size(), -1);
    take_count(timer_fd_);
    take_count(event_fd_);
}

}  // namespace tranter::schedule
