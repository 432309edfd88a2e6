#pragma once

#include "log/disk.hpp"

#include <filesystem>
#include <memory>

namespace tranter::log {

/// The files of a directory, by system calls.
std::unique_ptr<Disk> open_directory(const std::filesystem::path& path);

/// A data directory that belongs to this process: made when it does not exist (mode 0700), locked
/// until destruction (flock on the file `lock`, so the kernel releases it whatever happens). Throws
/// SystemError naming the process that has it, or why it cannot be used.
class DataDirectory {
  public:
    explicit DataDirectory(const std::filesystem::path& path);
    ~DataDirectory();
    DataDirectory(const DataDirectory&) = delete;
    DataDirectory& operator=(const DataDirectory&) = delete;

    Disk& disk() { return *disk_; }

  private:
    std::unique_ptr<Disk> disk_;
    int lock_ = -1;
};

}  // namespace tranter::log
