#include "base/error.hpp"
#include "log/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tranter::log {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const char* doing, const std::string& path, int cause) {
    constexpr std::array may_pass = {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM};
    const bool full = std::ranges::find(may_pass, cause) != may_pass.end();
    throw DiskError(
        std::string("cannot ") + doing + " " + path + ": " + std::generic_category().message(cause),
        full
    );
}

class PosixFile final : public File {
  public:
    PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    ~PosixFile() override { ::close(descriptor_); }
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    void write(std::uint64_t offset, std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t written =
                ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) refuse("write", path_, errno);
            if (written == 0) refuse("write", path_, ENOSPC);
            offset += static_cast<std::uint64_t>(written);
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }

    void sync() override {
        // Not again after EINTR: the kernel may already have dropped what it failed to write.
        if (::fdatasync(descriptor_) != 0) refuse("sync", path_, errno);
    }

    std::size_t read(std::uint64_t offset, std::span<char> into) const override {
        std::size_t done = 0;
        while (done < into.size()) {
            const ssize_t got = ::pread(
                descriptor_,
                into.data() + done,
                into.size() - done,
                static_cast<off_t>(offset + done)
            );
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) refuse("read", path_, errno);
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    std::uint64_t size() const override {
        struct stat found {};
        if (::fstat(descriptor_, &found) != 0) refuse("look at", path_, errno);
        return static_cast<std::uint64_t>(found.st_size);
    }

    void truncate(std::uint64_t size) override {
        if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
            refuse("truncate", path_, errno);
        }
    }

  private:
    int descriptor_;
    std::string path_;
};

class PosixDisk final : public Disk {
  public:
    explicit PosixDisk(fs::path directory) : directory_(std::move(directory)) {
        descriptor_ = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor_ < 0) refuse("open directory", directory_.string(), errno);
    }
    ~PosixDisk() override { ::close(descriptor_); }
    PosixDisk(const PosixDisk&) = delete;
    PosixDisk& operator=(const PosixDisk&) = delete;

    std::unique_ptr<File> create(const std::string& name) override {
        return open_file(name, O_RDWR | O_CREAT | O_EXCL, "create");
    }
    std::unique_ptr<File> open(const std::string& name) override {
        return open_file(
            name,
            ::faccessat(descriptor_, name.c_str(), W_OK, AT_EACCESS) == 0 ? O_RDWR : O_RDONLY,
            "open"
        );
    }
    bool exists(const std::string& name) const override {
        struct stat found {};
        return ::fstatat(descriptor_, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    }
    std::vector<std::string> list() const override {
        std::vector<std::string> names;
        std::error_code failure;
        for (fs::directory_iterator entry(directory_, failure), end; !failure && entry != end;
             entry.increment(failure)) {
            names.push_back(entry->path().filename().string());
        }
        if (failure) refuse("list", directory_.string(), failure.value());
        std::sort(names.begin(), names.end());
        return names;
    }
    void rename(const std::string& from, const std::string& to) override {
        if (::renameat(descriptor_, from.c_str(), descriptor_, to.c_str()) != 0) {
            refuse("rename", path_of(from), errno);
        }
    }
    void remove(const std::string& name) override {
        if (::unlinkat(descriptor_, name.c_str(), 0) != 0) refuse("remove", path_of(name), errno);
    }
    void sync_directory() override {
        if (::fsync(descriptor_) != 0) refuse("sync directory", directory_.string(), errno);
    }
    std::uint64_t free_bytes() const override {
        struct statvfs found {};
        if (::fstatvfs(descriptor_, &found) != 0) refuse("look at", directory_.string(), errno);
        return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
    }
    std::string path_of(const std::string& name) const override {
        return (directory_ / name).string();
    }

  private:
    std::unique_ptr<File> open_file(const std::string& name, int flags, const char* doing) const {
        const int file =
            ::openat(descriptor_, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
        if (file < 0) refuse(doing, path_of(name), errno);
        return std::make_unique<PosixFile>(file, path_of(name));
    }

    fs::path directory_;
    int descriptor_ = -1;
};

}  // namespace

std::unique_ptr<Disk> open_directory(const fs::path& path) {
    return std::make_unique<PosixDisk>(path);
}

}  // namespace tranter::log
