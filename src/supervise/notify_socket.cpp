#include "supervise/notify_socket.hpp"

#include "base/log_text.hpp"
#include "base/uuid.hpp"
#include "process/process_stat.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace tranter::supervise {
namespace {

/// As systemd has it.
constexpr std::size_t message_bytes_max = 4096;
constexpr std::size_t status_bytes_max = 1024;
constexpr Duration more_time_max = std::chrono::days(1);
/// At a time, for the sake of others.
constexpr int messages_at_once = 64;
constexpr std::size_t passed_descriptors_max = 253;  // SCM_MAX_FD of the kernel

/// Nothing unless it is a whole number; no more than the most.
std::optional<Duration> micros_in(std::string_view text) {
    std::uint64_t micros = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data(), end, micros);
    if (rest != end || text.empty()) return std::nullopt;
    if (failed == std::errc::result_out_of_range) return more_time_max;
    if (failed != std::errc{}) return std::nullopt;
    const auto most = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(more_time_max).count()
    );
    return std::chrono::microseconds(std::min(micros, most));
}

/// Of a message: who sent it. Descriptors that came with it are closed, for which systemd-notify
/// waits (BARRIER=1).
pid_t sender_of(msghdr& header) {
    pid_t sender = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET) continue;
        if (part->cmsg_type == SCM_CREDENTIALS) {
            ucred who{};
            std::memcpy(&who, CMSG_DATA(part), sizeof who);
            sender = who.pid;
        } else if (part->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
                ::close(fd);
            }
        }
    }
    return sender;
}

}  // namespace

void take_notification(std::string_view message, NotifySocket::News& news) {
    while (!message.empty()) {
        const std::size_t end = std::min(message.find('\n'), message.size());
        const std::string_view line = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
        if (line == "READY=1") news.is_ready = true;
        if (line == "WATCHDOG=1") news.is_alive = true;
        if (line == "WATCHDOG=trigger") news.is_unwell = true;
        if (line == "STOPPING=1") news.is_stopping = true;
        constexpr std::string_view status = "STATUS=";
        if (line.starts_with(status))
            news.status = one_line(line.substr(status.size(), status_bytes_max));
        constexpr std::string_view more_time = "EXTEND_TIMEOUT_USEC=";
        if (line.starts_with(more_time)) {
            if (const auto micros = micros_in(line.substr(more_time.size())))
                news.more_time = *micros;
        }
    }
}

Result<std::unique_ptr<NotifySocket>> NotifySocket::make(
    EventLoop& loop, const std::string& directory, Told told
) {
    const auto trouble = [] {
        return fail(
            Errc::unavailable,
            std::string("no socket for notifications can be made: ") + std::strerror(errno)
        );
    };
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return trouble();
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);

    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // A name of its own, so that a process of an earlier start cannot speak for a later one.
    const std::string name = "notify-" + format_uuid(make_uuid());
    std::string path = directory + "/" + name;
    if (!directory.starts_with('/') || path.size() >= sizeof address.sun_path)
        path = "@tranter-" + name;
    path.copy(address.sun_path, path.size());
    if (path.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
        return trouble();

    std::unique_ptr<NotifySocket> out(new NotifySocket(loop, std::move(socket), std::move(told)));
    out->address_ = std::move(path);
    return out;
}

NotifySocket::~NotifySocket() {
    loop_.unwatch(socket_.get());
    if (address_.starts_with('/')) ::unlink(address_.c_str());
}

void NotifySocket::believe(pid_t leader) {
    leader_ = leader;
    const auto stat = process::read_stat(leader);
    if (stat && stat->parent != ::getpid()) {
        const auto parent = process::read_stat(stat->parent);
        if (parent && parent->parent == ::getpid()) keeper_ = stat->parent;
    }
    loop_.watch(socket_.get(), [this] { read(); });
}

void NotifySocket::read() {
    News news;
    for (int i = 0; i < messages_at_once && receive(news); ++i) {
    }
    const Told told = told_;
    told(news);
}

/// Whether there was one.
bool NotifySocket::receive(News& news) {
    std::array<char, message_bytes_max> bytes{};
    alignas(cmsghdr
    ) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(passed_descriptors_max * sizeof(int))>
        extras{};
    iovec place{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr header{};
    header.msg_iov = &place;
    header.msg_iovlen = 1;
    header.msg_control = extras.data();
    header.msg_controllen = extras.size();
    const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (got < 0) return errno == EINTR;
    const pid_t sender = sender_of(header);
    const bool is_whole = (header.msg_flags & MSG_TRUNC) == 0;
    if (is_whole && is_believed(sender))
        take_notification({bytes.data(), static_cast<std::size_t>(got)}, news);
    return true;
}

bool NotifySocket::is_believed(pid_t sender) const {
    constexpr int generations_max = 100;
    for (int i = 0; i < generations_max && sender > 1; ++i) {
        if (sender == leader_ || sender == keeper_) return true;
        const auto stat = process::read_stat(sender);
        if (!stat) return false;
        sender = stat->parent;
    }
    return false;
}

}  // namespace tranter::supervise
