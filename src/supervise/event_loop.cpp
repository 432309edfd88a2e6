#include "supervise/event_loop.hpp"

#include "base/error.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

namespace tranter::supervise {

EventLoop::EventLoop(const Clock& clock) : clock_(clock), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw SystemError(std::string("no epoll can be made: ") + std::strerror(errno));
}

void EventLoop::watch(int fd, Call call) {
    add(fd, EPOLLIN, std::move(call));
}

void EventLoop::watch_writable(int fd, Call call) {
    add(fd, EPOLLOUT, std::move(call));
}

void EventLoop::add(int fd, std::uint32_t events, Call call) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    const int operation = calls_.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) {
        throw SystemError(
            "descriptor " + std::to_string(fd) + " cannot be waited for: " + std::strerror(errno)
        );
    }
    calls_[fd] = std::make_shared<const Call>(std::move(call));
}

void EventLoop::unwatch(int fd) {
    if (calls_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::call_at(Instant at, Call call) {
    const TimerId timer{++timers_made_};
    timers_.emplace(std::pair(at, timer), std::move(call));
    timer_moments_.emplace(timer, at);
    return timer;
}

void EventLoop::cancel(TimerId timer) {
    const auto found = timer_moments_.find(timer);
    if (found == timer_moments_.end()) return;
    timers_.erase({found->second, timer});
    timer_moments_.erase(found);
}

int EventLoop::wait_millis(Instant limit) const {
    const Instant next = timers_.empty() ? limit : std::min(limit, timers_.begin()->first.first);
    if (next == Instant::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now()).count();
    constexpr std::int64_t millis_max = 3'600'000;
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, millis_max));
}

void EventLoop::run_once(Instant limit) {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(
        epoll_.get(), events.data(), static_cast<int>(events.size()), wait_millis(limit)
    );
    for (int i = 0; i < count; ++i) {
        // An earlier one may have removed it.
        const auto found = calls_.find(events[static_cast<std::size_t>(i)].data.fd);
        if (found == calls_.end()) continue;
        const auto call = found->second;
        (*call)();
    }
    call_timers();
}

void EventLoop::call_timers() {
    const Instant until = now();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
        auto entry = timers_.extract(timers_.begin());
        timer_moments_.erase(entry.key().second);
        entry.mapped()();
    }
}

}  // namespace tranter::supervise
