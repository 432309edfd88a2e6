#include "cli/ready_notice.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace tranter::cli {
namespace {

/// A try to reach a store may take long.
constexpr std::chrono::minutes patience_asked_for(2);

/// The datagram protocol of sd_notify(3).
void notify_systemd(std::string_view state) {
    const char* path =
        std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): never set here
    sockaddr_un address{};
    if (path == nullptr || *path == '\0' || std::strlen(path) >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path);
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // abstract name space
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    (void)::sendto(
        fd,
        state.data(),
        state.size(),
        MSG_NOSIGNAL,
        reinterpret_cast<const sockaddr*>(&address),
        size
    );
    ::close(fd);
}

}  // namespace

void announce_ready(std::optional<int> ready_fd, const std::string& line) {
    if (ready_fd) {
        [[maybe_unused]] const auto written = ::write(*ready_fd, line.data(), line.size());
        if (*ready_fd > STDERR_FILENO) ::close(*ready_fd);
    }
    notify_systemd("READY=1\nSTATUS=");
}

void announce_waiting(std::string_view why) {
    const auto microseconds = std::chrono::microseconds(patience_asked_for).count();
    notify_systemd(fmt::format("EXTEND_TIMEOUT_USEC={}\nSTATUS={}", microseconds, why));
}

void announce_stopping() {
    notify_systemd("STOPPING=1");
}

}  // namespace tranter::cli
