#pragma once

#include <string>

namespace tranter::schedule {

/// A file next to the store by which processes wake each other. It is rung after a change is
/// committed: the log of SQLite is written before, so that who was woken by it would look too
/// early and then sleep.
class Bell {
  public:
    /// Makes the file. When that or watching it fails, the log says so, and nobody is woken.
    explicit Bell(const std::string& path);
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;

    /// Wakes everybody who has the file, us included. Any thread.
    void ring();
    /// Readable after it rang; -1: does not watch.
    int fd() const { return watch_fd_; }
    void drain();

  private:
    int file_fd_ = -1;
    int watch_fd_ = -1;
};

}  // namespace tranter::schedule
