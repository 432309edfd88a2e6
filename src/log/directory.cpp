#include "log/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

namespace tranter::log {
namespace {

namespace fs = std::filesystem;

constexpr const char* lock_name = "lock";

/// Makes the missing directories; the last one is for its owner only.
void make_directory(const fs::path& path) {
    std::error_code failure;
    if (fs::is_directory(path, failure)) return;
    if (fs::exists(path, failure)) {
        throw SystemError("data directory " + path.string() + " is a file, name a directory");
    }
    fs::path target = fs::absolute(path).lexically_normal();
    if (!target.has_filename()) target = target.parent_path();  // written with a slash at its end
    fs::create_directories(target.parent_path(), failure);
    if (failure || (::mkdir(target.c_str(), S_IRWXU) != 0 && errno != EEXIST)) {
        const std::string cause =
            failure ? failure.message() : std::generic_category().message(errno);
        throw SystemError("cannot make data directory " + path.string() + ": " + cause);
    }
}

std::string holder(int lock) {
    std::array<char, 32> text{};
    const ssize_t got = ::pread(lock, text.data(), text.size() - 1, 0);
    const std::string pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    return pid.empty() ? "another process" : "process " + pid.substr(0, pid.find('\n'));
}

/// Who only looks whether a directory is in use holds the lock for a moment.
bool try_lock(int lock) {
    constexpr int tries_max = 10;
    constexpr auto pause = std::chrono::milliseconds(10);
    for (int tries = 1; ::flock(lock, LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (errno != EWOULDBLOCK || tries == tries_max) return false;
        std::this_thread::sleep_for(pause);
    }
    return true;
}

int take_lock(const fs::path& directory) {
    const fs::path path = directory / lock_name;
    const int lock =
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (lock < 0) {
        throw SystemError(
            "cannot write in data directory " + directory.string() + ": " +
            std::generic_category().message(errno)
        );
    }
    if (!try_lock(lock)) {
        const bool taken = errno == EWOULDBLOCK;
        const std::string cause =
            taken ? "is in use by " + holder(lock)
                  : "cannot be locked: " + std::generic_category().message(errno);
        ::close(lock);
        throw SystemError("data directory " + directory.string() + " " + cause);
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    // Only for the message above; without it the lock is as good.
    if (::ftruncate(lock, 0) == 0) {
        [[maybe_unused]] const ssize_t written = ::pwrite(lock, pid.data(), pid.size(), 0);
    }
    return lock;
}

}  // namespace

DataDirectory::DataDirectory(const fs::path& path) {
    make_directory(path);
    lock_ = take_lock(path);
    try {
        disk_ = open_directory(path);
    } catch (...) {
        ::close(lock_);
        throw;
    }
}

DataDirectory::~DataDirectory() {
    ::close(lock_);
}

}  // namespace tranter::log
