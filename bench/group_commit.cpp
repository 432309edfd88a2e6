#include "group_commit.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace tranter::bench {
namespace {

constexpr std::uint64_t file_bytes = std::uint64_t{64} << 20U;

void write_at(int fd, std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t wrote = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (wrote < 0) throw std::system_error(errno, std::generic_category(), "pwrite");
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
        offset += static_cast<std::uint64_t>(wrote);
    }
}

void sync(int fd) {
    if (fdatasync(fd) != 0) throw std::system_error(errno, std::generic_category(), "fdatasync");
}

}  // namespace

ZeroedFile::ZeroedFile(const char* path)
    : fd_(open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), path);
    const std::string zeros(std::size_t{1} << 20U, '\0');
    for (std::uint64_t at = 0; at < file_bytes; at += zeros.size())
        write_at(fd_, at, zeros);
    sync(fd_);
}

ZeroedFile::~ZeroedFile() {
    close(fd_);
}

void ZeroedFile::commit(std::string_view bytes) {
    if (end_ + bytes.size() > file_bytes) end_ = 0;
    write_at(fd_, end_, bytes);
    end_ += bytes.size();
    sync(fd_);
}

void Handover::put(const std::vector<std::uint64_t>& tokens) {
    {
        const std::lock_guard lock(mutex_);
        tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    }
    filled_.notify_one();
}

void Handover::put(std::uint64_t token) {
    {
        const std::lock_guard lock(mutex_);
        tokens_.push_back(token);
    }
    filled_.notify_one();
}

void Handover::take(std::vector<std::uint64_t>& tokens) {
    tokens.clear();
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !tokens_.empty(); });
    tokens.swap(tokens_);
}

void Handover::take_now(std::vector<std::uint64_t>& tokens) {
    tokens.clear();
    const std::lock_guard lock(mutex_);
    tokens.swap(tokens_);
}

GroupCommit::GroupCommit(const char* path, Done done)
    : file_(path), done_(std::move(done)), thread_([this] { run(); }) {}

GroupCommit::~GroupCommit() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    filled_.notify_one();
}

void GroupCommit::add(std::string_view record, std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    bytes_ += record;
    tokens_.push_back(token);
}

void GroupCommit::wake() {
    filled_.notify_one();
}

void GroupCommit::run() {
    std::string bytes;
    std::vector<std::uint64_t> tokens;
    for (;;) {
        bytes.clear();
        tokens.clear();
        {
            std::unique_lock lock(mutex_);
            filled_.wait(lock, [this] { return stopping_ || !tokens_.empty(); });
            if (stopping_) return;
            bytes.swap(bytes_);
            tokens.swap(tokens_);
        }
        file_.commit(bytes);
        ++commits_;
        done_(tokens);
    }
}

}  // namespace tranter::bench
