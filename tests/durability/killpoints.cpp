// LD_PRELOAD library that ends or stops a program between any two things that it does for others to
// see, and moves its clock. Points stand before and after each write and sync of a file and before
// and after whatever is sent over a socket. Nothing reaches it that is mapped memory.
//
//   KILLPOINTS   a file with a Control in it, through which the test and the program talk
//
// A sleep until a moment of the clock (timerfd) is cut into short ones, so that a clock that is
// moved is noticed; where the kernel would say that it was set, this only looks again.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

/// killpoints.py has the same layout.
struct Control {
    std::atomic<std::int64_t> clock_micros;  // how far the clock is ahead
    std::atomic<std::int64_t> points_left;   // counts down, and strikes at the last; 0: never
    std::atomic<std::int64_t> kinds;         // a bit for each Kind that counts down
    std::atomic<std::int64_t> signal;        // by which it strikes
    std::atomic<std::int64_t> sleeps;        // that began
    std::atomic<std::int64_t> passed[4]{};   // points of each Kind
    char struck[104]{};                      // where
};

enum class Kind : std::uint8_t { write, sync, local, network };

constexpr std::int64_t nap_micros = 10'000;

Control* map_control() {
    const char* const path = std::getenv("KILLPOINTS");
    if (path == nullptr) {
        return nullptr;
    }
    const auto fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0));
    void* const place = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (place == MAP_FAILED) {
        std::abort();
    }
    return static_cast<Control*>(place);
}

Control* control() {
    static Control* const mapped = map_control();
    return mapped;
}

[[gnu::constructor]] void start() {
    control();
}

Kind kind_of_socket(int fd) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int known = getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length);
    return known == 0 && peer.ss_family == AF_UNIX ? Kind::local : Kind::network;
}

/// "before sync/store.db-wal", "after send network"
void describe(const char* when, const char* call, int fd, Control& shared) {
    char link[64];
    char path[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const auto bytes = std::max<ssize_t>(readlink(link, path, sizeof path - 1), 0);
    path[bytes] = '\0';
    const char* const slash = std::strrchr(path, '/');
    const char* const name = slash == nullptr ? "" : slash;  // no name: a socket
    std::snprintf(shared.struck, sizeof shared.struck, "%s %s%.64s", when, call, name);
}

void point(Kind kind, const char* when, const char* call, int fd) {
    auto* const shared = control();
    if (shared == nullptr) {
        return;
    }
    const auto number = static_cast<unsigned>(kind);
    ++shared->passed[number];
    if ((shared->kinds.load() >> number & 1) == 0) {
        return;
    }
    auto left = shared->points_left.load();
    while (left > 0 && !shared->points_left.compare_exchange_weak(left, left - 1)) {
    }
    if (left != 1) {
        return;
    }
    describe(when, call, fd, *shared);
    ::kill(getpid(), static_cast<int>(shared->signal.load()));
}

template <typename Act>
auto between_points(Kind kind, const char* call, int fd, Act act) {
    point(kind, "before", call, fd);
    const auto result = act();
    const int error = errno;
    point(kind, "after", call, fd);
    errno = error;
    return result;
}

template <typename Act>
ssize_t while_sending(int fd, Act act) {
    const Kind kind = kind_of_socket(fd);
    const char* const call = kind == Kind::local ? "send local" : "send network";
    return between_points(kind, call, fd, act);
}

std::int64_t micros_of(const timespec& time) {
    return time.tv_sec * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* from, size_t bytes, off64_t offset) {
    return between_points(Kind::write, "write", fd, [&] {
        return static_cast<ssize_t>(syscall(SYS_pwrite64, fd, from, bytes, offset));
    });
}

ssize_t pwrite(int fd, const void* from, size_t bytes, off_t offset) {
    return pwrite64(fd, from, bytes, offset);
}

int ftruncate64(int fd, off64_t size) noexcept {
    return between_points(Kind::write, "truncate", fd, [&] {
        return static_cast<int>(syscall(SYS_ftruncate, fd, size));
    });
}

int ftruncate(int fd, off_t size) noexcept {
    return ftruncate64(fd, size);
}

int fsync(int fd) {
    return between_points(Kind::sync, "sync", fd, [&] {
        return static_cast<int>(syscall(SYS_fsync, fd));
    });
}

int fdatasync(int fd) {
    return between_points(Kind::sync, "sync", fd, [&] {
        return static_cast<int>(syscall(SYS_fdatasync, fd));
    });
}

ssize_t send(int fd, const void* from, size_t bytes, int flags) {
    return while_sending(fd, [&] {
        return static_cast<ssize_t>(syscall(SYS_sendto, fd, from, bytes, flags, nullptr, 0));
    });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    return while_sending(fd, [&] {
        return static_cast<ssize_t>(syscall(SYS_sendmsg, fd, message, flags));
    });
}

int clock_gettime(clockid_t clock, timespec* out) noexcept {
    const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, out));
    if (result != 0 || clock != CLOCK_REALTIME || control() == nullptr) {
        return result;
    }
    const auto micros = micros_of(*out) + control()->clock_micros.load();
    out->tv_sec = micros / 1'000'000;
    out->tv_nsec = micros % 1'000'000 * 1000 + out->tv_nsec % 1000;
    return result;
}

int timerfd_settime(int fd, int flags, const itimerspec* wanted, itimerspec* old) noexcept {
    auto* const shared = control();
    if (shared == nullptr || (flags & TFD_TIMER_ABSTIME) == 0) {
        return static_cast<int>(syscall(SYS_timerfd_settime, fd, flags, wanted, old));
    }
    ++shared->sleeps;
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto micros =
        std::clamp<std::int64_t>(micros_of(wanted->it_value) - micros_of(now), 1, nap_micros);
    const itimerspec nap{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = micros * 1000}};
    return static_cast<int>(syscall(SYS_timerfd_settime, fd, 0, &nap, old));
}

}  // extern "C"
