#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace crashfs {

inline constexpr std::uint64_t sector_bytes = 512;
inline constexpr std::uint64_t unlimited = ~std::uint64_t{0};

/// A file as programs see it and as the disk has it. `unsynced` holds the sectors that differ, with
/// the number of the write that made them so.
struct Node {
    std::string live{};
    std::string durable{};
    std::map<std::uint64_t, std::uint64_t> unsynced{};
    bool directory = false;
    mode_t mode = 0600;
    uid_t owner = 0;
    std::uint64_t number = 0;
};

/// What one open() gives. A handle from before a power cut only answers EIO.
struct Handle {
    std::shared_ptr<Node> node;
    std::uint64_t power_cycle = 0;
};

/// A tree of files in memory that forgets what was not synced when its power is cut: bytes without
/// a sync of their file, names without a sync of their directory. Paths are absolute. Functions
/// return 0 or a count, or a negative errno as FUSE wants it. Thread-safe.
class Disk {
  public:
    Disk();

    int attributes(const std::string& path, const Handle* handle, struct stat& out);
    int list(const std::string& path, std::vector<std::string>& names);
    int make_directory(const std::string& path, uid_t owner);
    int create(const std::string& path, mode_t mode, uid_t owner, Handle& out);
    int open(const std::string& path, bool truncate, Handle& out);
    int remove(const std::string& path);
    int rename(const std::string& from, const std::string& to);

    int read(const Handle& handle, std::uint64_t offset, char* into, std::size_t bytes);
    int write(const Handle& handle, std::uint64_t offset, const char* from, std::size_t bytes);
    int truncate(const std::string& path, const Handle* handle, std::uint64_t size);
    /// A write while a sync is under way is not covered by it.
    int sync(const Handle& handle);
    int sync_directory(const std::string& path);

    /// `off`: power cut, nothing unsynced survives. `off torn SEED`: a random part of it does, in
    /// sectors. Every call answers EIO until `on`. `eio N`: the N-th sync of a file from now fails,
    /// and what it should have written is gone from the disk though it can still be read, as on
    /// Linux. `space N`: N bytes are left, and statfs says so. `quota N`: the same, but statfs does
    /// not say so. `delay MS`: each sync takes this long. Returns whether it was one of these.
    bool control(const std::string& command);
    /// Counters, for tests.
    std::string status();
    std::uint64_t free_bytes();

  private:
    using Names = std::map<std::string, std::shared_ptr<Node>>;

    std::shared_ptr<Node> find(const std::string& path) const;
    int usable(const Handle& handle) const;
    std::uint64_t used() const;
    void resize(Node& node, std::uint64_t size);
    void cut_power(bool torn, std::uint64_t seed);

    std::mutex mutex_;  // guards everything below
    Names names_;
    Names durable_names_;
    std::uint64_t numbers_ = 0;
    std::uint64_t writes_ = 0;
    std::uint64_t syncs_ = 0;
    std::uint64_t directory_syncs_ = 0;
    std::uint64_t power_cycle_ = 0;
    bool off_ = false;
    std::uint64_t failing_sync_ = 0;  // counts down; 0: none
    std::uint64_t capacity_ = unlimited;
    bool capacity_is_shown_ = true;
    std::uint64_t delay_ms_ = 0;
};

}  // namespace crashfs
