#include "supervise/keeper.hpp"

#include "supervise/keeper_process.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>
#include <utility>

namespace tranter::supervise {
namespace {

/// Of this process, like its children. Keepers live on the main thread alone.
std::set<pid_t>& keepers() {
    static std::set<pid_t> pids;
    return pids;
}

/// It ends as soon as nobody holds the other end, so this is hardly ever waited for.
void wait_for_end(pid_t pid) {
    constexpr int patience_millis = 2'000;
    const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    if (handle) ::poll(&ended, 1, patience_millis);
    ::waitpid(pid, nullptr, WNOHANG);
}

}  // namespace

Result<Keeper> Keeper::start(const process::SpawnOptions& program, int last_signal) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail(
            Errc::unavailable, std::string("no socket can be made: ") + std::strerror(errno)
        );
    }
    Descriptor ours(ends[0]);
    Descriptor its(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) {
        return fail(
            Errc::unavailable, std::string("no process can be started: ") + std::strerror(errno)
        );
    }
    if (pid == 0) keep_program(its.get(), program, last_signal);
    keepers().insert(pid);
    return Keeper(std::move(ours), pid);
}

Keeper::Keeper(Keeper&& other) noexcept
    : socket_(std::move(other.socket_)),
      pid_(std::exchange(other.pid_, 0)),
      is_over_(other.is_over_) {}

Keeper::~Keeper() {
    if (pid_ == 0) return;
    socket_.reset();
    wait_for_end(pid_);
    keepers().erase(pid_);
}

bool Keeper::is_keeper(pid_t pid) {
    return keepers().contains(pid);
}

std::optional<Keeper::Report> Keeper::read() {
    if (is_over_) return std::nullopt;
    KeeperReport message;
    ssize_t got = 0;
    do {
        got = ::recv(socket_.get(), &message, sizeof message, MSG_DONTWAIT);
        // ECONNRESET comes once, before what it has said, when it ended with an order unread.
    } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    Report report{.kind = Report::Kind::lost};
    if (got == sizeof message) {
        report = {
            .kind = message.kind,
            .pid = message.pid,
            .ending = {.code = message.code, .signal = message.signal},
            .why = message.why.data()};
    }
    is_over_ = report.kind == Report::Kind::not_spawned || report.kind == Report::Kind::all_gone ||
               report.kind == Report::Kind::lost;
    return report;
}

void Keeper::tell(Order order, int signal) {
    const KeeperOrder packet{.order = order, .signal = signal};
    // Nobody may be there any more.
    [[maybe_unused]] const auto sent =
        ::send(socket_.get(), &packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace tranter::supervise
