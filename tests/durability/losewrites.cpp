// LD_PRELOAD library that makes a power cut at any I/O call of a program repeatable. It counts the
// calls that change files in one flat directory, kills the process before a chosen one, and logs
// what undo.py needs to take back whatever was not synced by then.
//
//   LOSEWRITES_DIR    the directory to watch, as /proc/self/fd shows it; must exist
//   LOSEWRITES_LOG    an existing directory on the same file system: `undo` and hard links of all
//                     files that a power cut could bring back
//   LOSEWRITES_KILL   SIGKILL before this call, counting from 1; 0: never
//
// Nothing reaches it that is mapped memory, io_uring or a statically linked program. Syncs are not
// passed on: what a killed process wrote stays readable without them.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Header of an entry in the undo log; `body` bytes follow. undo.py reads the same layout.
struct Entry {
    char kind = 0;  // W: about to change, S: synced, N: names synced, U: a name is about to go
    char padding[3]{};
    std::uint32_t body = 0;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;  // W: first byte that changes
    std::uint64_t bytes = 0;   // W: how many change
    std::uint64_t size = 0;    // W: of the file before
};

class Recorder {
  public:
    Recorder()
        : directory_(variable("LOSEWRITES_DIR")), log_directory_(variable("LOSEWRITES_LOG")) {
        const auto kill = variable("LOSEWRITES_KILL");
        kill_at_ = kill.empty() ? 0 : std::strtol(kill.c_str(), nullptr, 10);
        if (directory_.empty() || log_directory_.empty()) {
            return;
        }
        const auto path = log_directory_ + "/undo";
        const int flags = O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC;
        log_ = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path.c_str(), flags, 0600));
        names_synced();
    }

    static std::string path_of(int fd) {
        char path[4096];
        const auto link = "/proc/self/fd/" + std::to_string(fd);
        const auto size = readlink(link.c_str(), path, sizeof path);
        return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "";
    }

    bool watches(int fd) const {
        const auto path = log_ < 0 ? "" : path_of(fd);
        return path == directory_ || is_inside(path);
    }
    bool is_inside(std::string_view path) const {
        return log_ >= 0 && path.starts_with(directory_) && path.size() > directory_.size() &&
               path[directory_.size()] == '/';
    }

    void count_call() {
        if (++calls_ == kill_at_) {
            ::kill(getpid(), SIGKILL);
            pause();
        }
    }

    /// Before `bytes` bytes at `offset` change, or with `to_end` everything from there on.
    void changing(int fd, std::uint64_t offset, std::uint64_t bytes, bool to_end = false) {
        struct stat now {};
        fstat(fd, &now);
        const auto size = static_cast<std::uint64_t>(now.st_size);
        if (to_end) {
            bytes = size > offset ? size - offset : 0;
        }
        std::string old(offset < size ? std::min(bytes, size - offset) : 0, '\0');
        // The descriptor itself may be open for writing only.
        const auto link = "/proc/self/fd/" + std::to_string(fd);
        const auto reader = syscall(SYS_openat, AT_FDCWD, link.c_str(), O_RDONLY | O_CLOEXEC, 0);
        const auto got = syscall(SYS_pread64, reader, old.data(), old.size(), offset);
        old.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        syscall(SYS_close, reader);
        put({.kind = 'W', .inode = now.st_ino, .offset = offset, .bytes = bytes, .size = size},
            old);
    }

    void synced(int fd) {
        struct stat now {};
        fstat(fd, &now);
        if (S_ISDIR(now.st_mode)) {
            names_synced();
        } else {
            put({.kind = 'S', .inode = now.st_ino}, {});
        }
    }

    void losing_name(const std::string& path) {
        struct stat now {};
        if (stat(path.c_str(), &now) == 0) {
            put({.kind = 'U', .inode = now.st_ino}, {});
        }
    }

    std::mutex mutex;

  private:
    static std::string variable(const char* name) {
        const char* value = std::getenv(name);
        return value == nullptr ? "" : value;
    }

    /// The names are what a power cut leaves from now on; their files must outlive removal.
    void names_synced() {
        std::string names;
        DIR* const listing = opendir(directory_.c_str());
        while (const dirent* const entry = listing == nullptr ? nullptr : readdir(listing)) {
            if (entry->d_type != DT_REG) {
                continue;
            }
            const auto inode = std::to_string(entry->d_ino);
            const auto file = directory_ + "/" + entry->d_name;
            if (link(file.c_str(), (log_directory_ + "/" + inode).c_str()) == 0 ||
                errno == EEXIST) {
                names += inode + " " + entry->d_name + "\n";
            }
        }
        if (listing != nullptr) {
            closedir(listing);
        }
        put({.kind = 'N'}, names);
    }

    void put(Entry entry, std::string_view body) const {
        entry.body = static_cast<std::uint32_t>(body.size());
        std::string bytes(reinterpret_cast<const char*>(&entry), sizeof entry);
        bytes += body;
        if (syscall(SYS_write, log_, bytes.data(), bytes.size()) < 0) {
            std::abort();
        }
    }

    std::string directory_;
    std::string log_directory_;
    int log_ = -1;
    long kill_at_ = 0;
    long calls_ = 0;
};

Recorder& recorder() {
    static Recorder recorder;
    return recorder;
}

[[gnu::constructor]] void start() {
    recorder();
}

std::uint64_t place_of_next_write(int fd) {
    struct stat now {};
    fstat(fd, &now);
    const bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    return static_cast<std::uint64_t>(appends ? now.st_size : lseek(fd, 0, SEEK_CUR));
}

std::uint64_t total(const iovec* parts, int count) {
    std::uint64_t sum = 0;
    for (const auto* part = parts; part != parts + count; ++part) {
        sum += part->iov_len;
    }
    return sum;
}

/// Runs the call `act` after `note`, alone, when the descriptor belongs to the watched directory.
template <typename Note, typename Act>
auto watched(int fd, Note note, Act act) {
    auto& to = recorder();
    if (!to.watches(fd)) {
        return act();
    }
    const std::lock_guard lock(to.mutex);
    to.count_call();
    note(to);
    return act();
}

int sync_call(int fd, long number) {
    auto& to = recorder();
    if (!to.watches(fd)) {
        return static_cast<int>(syscall(number, fd));
    }
    const std::lock_guard lock(to.mutex);
    to.count_call();
    to.synced(fd);
    return 0;
}

/// For calls that take the name `path`, seen from the directory `at`, away from its file.
template <typename Act>
int name_call(int at, const char* path, Act act) {
    auto& to = recorder();
    const auto whole = *path == '/' || at == AT_FDCWD ? path : Recorder::path_of(at) + "/" + path;
    if (!to.is_inside(whole)) {
        return static_cast<int>(act());
    }
    const std::lock_guard lock(to.mutex);
    to.count_call();
    to.losing_name(whole);
    return static_cast<int>(act());
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* from, size_t bytes) {
    return watched(
        fd,
        [&](Recorder& to) { to.changing(fd, place_of_next_write(fd), bytes); },
        [&] { return static_cast<ssize_t>(syscall(SYS_write, fd, from, bytes)); }
    );
}

ssize_t writev(int fd, const iovec* parts, int count) {
    return watched(
        fd,
        [&](Recorder& to) { to.changing(fd, place_of_next_write(fd), total(parts, count)); },
        [&] { return static_cast<ssize_t>(syscall(SYS_writev, fd, parts, count)); }
    );
}

ssize_t pwrite64(int fd, const void* from, size_t bytes, off64_t offset) {
    return watched(
        fd,
        [&](Recorder& to) { to.changing(fd, static_cast<std::uint64_t>(offset), bytes); },
        [&] { return static_cast<ssize_t>(syscall(SYS_pwrite64, fd, from, bytes, offset)); }
    );
}

ssize_t pwrite(int fd, const void* from, size_t bytes, off_t offset) {
    return pwrite64(fd, from, bytes, offset);
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
    const auto place = static_cast<std::uint64_t>(offset);
    return watched(
        fd,
        [&](Recorder& to) { to.changing(fd, place, total(parts, count)); },
        [&] { return static_cast<ssize_t>(syscall(SYS_pwritev, fd, parts, count, offset, 0)); }
    );
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    return pwritev64(fd, parts, count, offset);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
    const auto place = static_cast<std::uint64_t>(offset);
    return watched(
        fd,
        [&](Recorder& to) { to.changing(fd, place, static_cast<std::uint64_t>(bytes)); },
        [&] { return static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, bytes)); }
    );
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    return fallocate64(fd, mode, offset, bytes);
}

int posix_fallocate64(int fd, off64_t offset, off64_t bytes) {
    return fallocate64(fd, 0, offset, bytes) == 0 ? 0 : errno;
}

int posix_fallocate(int fd, off_t offset, off_t bytes) {
    return posix_fallocate64(fd, offset, bytes);
}

int ftruncate64(int fd, off64_t size) noexcept {
    return watched(
        fd,
        [&](Recorder& to) { to.changing(fd, static_cast<std::uint64_t>(size), 0, true); },
        [&] { return static_cast<int>(syscall(SYS_ftruncate, fd, size)); }
    );
}

int ftruncate(int fd, off_t size) noexcept {
    return ftruncate64(fd, size);
}

int fsync(int fd) {
    return sync_call(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return sync_call(fd, SYS_fdatasync);
}

int rename(const char* from, const char* to) noexcept {
    return name_call(AT_FDCWD, to, [&] { return syscall(SYS_rename, from, to); });
}

int renameat(int from_at, const char* from, int to_at, const char* to) noexcept {
    return name_call(to_at, to, [&] { return syscall(SYS_renameat, from_at, from, to_at, to); });
}

int unlink(const char* path) noexcept {
    return name_call(AT_FDCWD, path, [&] { return syscall(SYS_unlink, path); });
}

int unlinkat(int at, const char* path, int flags) noexcept {
    return name_call(at, path, [&] { return syscall(SYS_unlinkat, at, path, flags); });
}

int remove(const char* path) noexcept {
    return name_call(AT_FDCWD, path, [&] {
        const auto result = syscall(SYS_unlink, path);
        return result != 0 && errno == EISDIR ? syscall(SYS_rmdir, path) : result;
    });
}

}  // extern "C"
