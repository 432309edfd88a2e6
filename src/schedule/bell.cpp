#include "schedule/bell.hpp"

#include "base/log.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tranter::schedule {

Bell::Bell(const std::string& path)
    : file_fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (file_fd_ >= 0) watch_fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch_fd_ >= 0 && ::inotify_add_watch(watch_fd_, path.c_str(), IN_MODIFY) >= 0) return;
    log_warn(
        "schedule",
        "changes by other processes are seen at the poll interval only",
        {{"file", path}, {"error", std::strerror(errno)}}
    );
    if (watch_fd_ >= 0) ::close(watch_fd_);
    watch_fd_ = -1;
}

Bell::~Bell() {
    if (file_fd_ >= 0) ::close(file_fd_);
    if (watch_fd_ >= 0) ::close(watch_fd_);
}

void Bell::ring() {
    // It fails on a full disk only, and then the others look at their poll interval.
    [[maybe_unused]] const auto bytes = ::pwrite(file_fd_, "!", 1, 0);
}

void Bell::drain() {
    std::array<char, 4096> events{};
    while (watch_fd_ >= 0 && ::read(watch_fd_, events.data(), events.size()) > 0) {
    }
}

}  // namespace tranter::schedule
