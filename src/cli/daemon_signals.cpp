#include "cli/daemon_signals.hpp"

#include "base/error.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

namespace tranter::cli {
namespace {

Descriptor block_signals() {
    sigset_t ours;
    ::sigemptyset(&ours);
    for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD})
        ::sigaddset(&ours, number);
    // Inherited as ignored, it would keep no children that have ended.
    std::signal(SIGCHLD, SIG_DFL);
    ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
    return Descriptor(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

DaemonSignals::DaemonSignals() : signals_(block_signals()) {
    if (!signals_) throw SystemError(std::string("no signalfd: ") + std::strerror(errno));
    // What rotates logs sends it to some programs; SIGHUP is what we listen to.
    std::signal(SIGUSR1, SIG_IGN);
}

void DaemonSignals::listen(supervise::EventLoop& loop, Calls calls) {
    calls_ = std::move(calls);
    loop.watch(signals_.get(), [this] { read(); });
}

void DaemonSignals::read() const {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        const int number = static_cast<int>(info.ssi_signo);
        if (number == SIGHUP) {
            calls_.reopen_logs();
        } else if (number == SIGCHLD) {
            calls_.child_ended();
        } else {
            calls_.end(number);
        }
    }
}

}  // namespace tranter::cli
