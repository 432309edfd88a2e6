#include "schedule/file_watch.hpp"

#include "base/log.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tranter::schedule {

FileWatch::FileWatch(const std::string& path) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (fd_ >= 0 && ::inotify_add_watch(fd_, path.c_str(), IN_MODIFY) >= 0) return;
    log_warn(
        "schedule",
        "changes by other processes are seen at the poll interval only",
        {{"file", path}, {"error", std::strerror(errno)}}
    );
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

FileWatch::~FileWatch() {
    if (fd_ >= 0) ::close(fd_);
}

void FileWatch::drain() {
    std::array<char, 4096> events{};
    while (fd_ >= 0 && ::read(fd_, events.data(), events.size()) > 0) {
    }
}

}  // namespace tranter::schedule
