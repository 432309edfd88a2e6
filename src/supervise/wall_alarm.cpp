#include "supervise/wall_alarm.hpp"

#include "base/error.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

namespace tranter::supervise {

WallAlarm::WallAlarm(EventLoop& loop, std::function<void()> rang)
    : loop_(loop),
      rang_(std::move(rang)),
      timer_(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (!timer_) throw SystemError(std::string("no timer can be made: ") + std::strerror(errno));
    loop_.watch(timer_.get(), [this] { ring(); });
}

WallAlarm::~WallAlarm() {
    loop_.cancel(soon_);
    loop_.unwatch(timer_.get());
}

void WallAlarm::set(Instant at) {
    itimerspec wanted{};
    if (at == Instant::max()) loop_.cancel(std::exchange(soon_, EventLoop::TimerId::none));
    if (at != Instant::max()) {
        // All zeros would be none.
        const Duration since = std::max(at.time_since_epoch(), Duration(1));
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
        wanted.it_value.tv_sec = seconds.count();
        wanted.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
    }
    constexpr int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
    if (::timerfd_settime(timer_.get(), flags, &wanted, nullptr) == 0 || errno != ECANCELED) return;
    // It is set, but the clock was too meanwhile, and no read will say so any more.
    if (soon_ != EventLoop::TimerId::none) return;
    soon_ = loop_.call_at(loop_.now(), [this] { tell(); });
}

void WallAlarm::ring() {
    std::uint64_t times = 0;
    const ssize_t got = ::read(timer_.get(), &times, sizeof times);
    // ECANCELED: the clock was set.
    if (got < 0 && errno != ECANCELED) return;
    tell();
}

void WallAlarm::tell() {
    set(Instant::max());
    rang_();
}

}  // namespace tranter::supervise
