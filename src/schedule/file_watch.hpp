#pragma once

#include <string>

namespace tranter::schedule {

/// Tells when a file is written to by anybody, also by another process.
class FileWatch {
  public:
    /// A file that is not there, or a kernel that has no watch left, is not watched.
    explicit FileWatch(const std::string& path);
    ~FileWatch();
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

    /// Readable after a change; -1: does not watch.
    int fd() const { return fd_; }
    void drain();

  private:
    int fd_ = -1;
};

}  // namespace tranter::schedule
