#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::bench {

/// A file of zeros, overwritten from its start again when its end is reached, so that a sync writes
/// records and nothing about the file. Throws std::system_error.
class ZeroedFile {
  public:
    explicit ZeroedFile(const char* path);
    ZeroedFile(const ZeroedFile&) = delete;
    ZeroedFile& operator=(const ZeroedFile&) = delete;
    ~ZeroedFile();

    /// Appends all of it, then fdatasync.
    void commit(std::string_view bytes);

  private:
    int fd_;
    std::uint64_t end_{};
};

/// Tokens on their way from one thread to another.
class Handover {
  public:
    void put(const std::vector<std::uint64_t>& tokens);
    void put(std::uint64_t token);
    /// Waits until there are some, and takes all.
    void take(std::vector<std::uint64_t>& tokens);
    /// Takes what is there, perhaps nothing.
    void take_now(std::vector<std::uint64_t>& tokens);

  private:
    std::mutex mutex_;
    std::condition_variable filled_;
    std::vector<std::uint64_t> tokens_;
};

/// The least that a durable server has to do: one thread appends and syncs, and everything added
/// while it does shares the next sync. What is added when it is destroyed may be lost.
class GroupCommit {
  public:
    /// Called on the committing thread with the tokens of each commit.
    using Done = std::function<void(const std::vector<std::uint64_t>&)>;

    GroupCommit(const char* path, Done done);
    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;
    ~GroupCommit();

    /// Goes with the next commit, which begins at the next wake() or when one under way has ended.
    void add(std::string_view record, std::uint64_t token);
    void wake();
    [[nodiscard]] std::uint64_t commits() const { return commits_; }

  private:
    void run();

    ZeroedFile file_;
    Done done_;
    std::mutex mutex_;
    std::condition_variable filled_;
    // guarded by mutex_
    std::string bytes_;
    std::vector<std::uint64_t> tokens_;
    bool stopping_{};
    std::atomic<std::uint64_t> commits_{};
    std::jthread thread_;  // last: it uses the others
};

}  // namespace tranter::bench
