#include "cli/ending_watch.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tranter::cli {

EndingWatch::EndingWatch(int output) {
    sigset_t wanted{};
    ::sigemptyset(&wanted);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        ::sigaddset(&wanted, signal);
    signals_ = Descriptor(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    both_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (!signals_ || !both_) {
        throw SystemError(fmt::format("no signals can be waited for: {}", std::strerror(errno)));
    }
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    epoll_event event{.events = EPOLLIN, .data = {.fd = signals_.get()}};
    ::epoll_ctl(both_.get(), EPOLL_CTL_ADD, signals_.get(), &event);
    // Of a pipe that nobody reads any more; a file cannot be watched, and need not be.
    event = {.events = 0, .data = {.fd = output}};
    ::epoll_ctl(both_.get(), EPOLL_CTL_ADD, output, &event);
}

EndingWatch::~EndingWatch() {
    // Nobody is to end by it once it is let through.
    signalfd_siginfo taken{};
    while (::read(signals_.get(), &taken, sizeof taken) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool EndingWatch::has_come() const {
    pollfd readable{.fd = both_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&readable, 1, 0) > 0;
}

}  // namespace tranter::cli
