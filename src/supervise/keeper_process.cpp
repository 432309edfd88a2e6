#include "supervise/keeper_process.hpp"

#include "process/orphans.hpp"
#include "supervise/descendants.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace tranter::supervise {
namespace {

/// After a kill, for what was started just then.
constexpr int kill_period_millis = 20;

/// What belongs to others may not be held open by us, or they would not see its end.
void close_all_but(std::vector<int> kept) {
    std::ranges::sort(kept);
    unsigned from = 0;
    for (const int fd : kept) {
        if (fd < 0 || static_cast<unsigned>(fd) < from) continue;
        if (static_cast<unsigned>(fd) > from) ::close_range(from, static_cast<unsigned>(fd) - 1, 0);
        from = static_cast<unsigned>(fd) + 1;
    }
    ::close_range(from, ~0U, 0);
}

/// Of ours, what the program gets.
std::vector<int> descriptors_of(const process::SpawnOptions& program) {
    std::vector<int> out{program.input, program.output, program.errors};
    for (const auto& [ours, number] : program.descriptors)
        out.push_back(ours);
    return out;
}

/// The life of the keeper's process.
class Keeping {
  public:
    Keeping(int socket, int last_signal) : socket_(socket), last_signal_(last_signal) {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, nullptr);
        sigset_t ends;
        ::sigemptyset(&ends);
        ::sigaddset(&ends, SIGCHLD);
        // Whoever had a handler or ignored it: a child that ends must stay until it is waited for.
        ::signal(SIGCHLD, SIG_DFL);
        signals_ = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
        ::prctl(PR_SET_NAME, "tranter-keeper");
        ::setsid();
    }

    /// Whether there is something to keep.
    bool start(const process::SpawnOptions& program) {
        auto child = process::adopt_orphans() && signals_ >= 0
                         ? process::spawn(program)
                         : fail(Errc::unavailable, "the kernel does not let us adopt orphans");
        for (const int fd : descriptors_of(program))
            if (fd >= 0) ::close(fd);
        if (!child) {
            say({.kind = Kind::not_spawned}, child.error().message());
            return false;
        }
        leader_ = child->pid();
        // From here on ends are taken by wait_for_children() alone.
        child_.emplace(std::move(*child));
        say({.kind = Kind::spawned, .pid = leader_});
        return true;
    }

    void run() {
        while (!wait_for_children()) {
            std::array<pollfd, 2> waits{{
                {.fd = signals_, .events = POLLIN, .revents = 0},
                {.fd = is_alone_ ? -1 : socket_, .events = POLLIN, .revents = 0},
            }};
            ::poll(waits.data(), waits.size(), is_killing_ ? kill_period_millis : -1);
            signalfd_siginfo ignored;
            while (::read(signals_, &ignored, sizeof ignored) > 0) {
            }
            if (waits[1].revents != 0) take_orders();
            if (is_killing_) signal_all(SIGKILL);
        }
        say({.kind = Kind::all_gone});
    }

  private:
    using Kind = Keeper::Report::Kind;

    void say(KeeperReport report, std::string_view why = {}) {
        why.copy(report.why.data(), report.why.size() - 1);
        [[maybe_unused]] const auto sent = ::send(socket_, &report, sizeof report, MSG_NOSIGNAL);
    }

    /// Takes those that have ended. Whether none is left.
    bool wait_for_children() {
        for (;;) {
            int status = 0;
            const pid_t ended = ::waitpid(-1, &status, WNOHANG);
            if (ended == 0) return false;
            if (ended < 0) return errno == ECHILD;
            if (ended != leader_) continue;
            leader_ = 0;
            if (last_signal_ != 0) signal_all(last_signal_);
            say(
                {.kind = Kind::ended,
                 .code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                 .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0}
            );
        }
    }

    void take_orders() {
        KeeperOrder order;
        for (;;) {
            const ssize_t got = ::recv(socket_, &order, sizeof order, MSG_DONTWAIT);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            if (got != sizeof order) {
                is_alone_ = is_killing_ = true;
                return;
            }
            follow(order);
        }
    }

    void follow(const KeeperOrder& order) {
        switch (order.order) {
            case Keeper::Order::signal_group:
                if (leader_ > 0) ::kill(-leader_, order.signal);
                break;
            case Keeper::Order::signal_leader:
                if (leader_ > 0) ::kill(leader_, order.signal);
                break;
            case Keeper::Order::kill_all:
                is_killing_ = true;
                break;
        }
    }

    static void signal_all(int signal) {
        for (const pid_t pid : descendants_of(::getpid()))
            ::kill(pid, signal);
    }

    const int socket_;
    const int last_signal_;
    int signals_ = -1;
    pid_t leader_ = 0;  // 0: it has ended
    std::optional<process::Child> child_{};
    bool is_killing_ = false;
    bool is_alone_ = false;
};

}  // namespace

void keep_program(int socket, const process::SpawnOptions& program, int last_signal) {
    std::vector<int> kept = descriptors_of(program);
    kept.push_back(socket);
    close_all_but(std::move(kept));
    Keeping keeping(socket, last_signal);
    if (keeping.start(program)) keeping.run();
    // To tear down our memory takes longer than to start the next program, which whoever was told
    // just now may want.
    ::sched_yield();
    ::_exit(0);
}

}  // namespace tranter::supervise
