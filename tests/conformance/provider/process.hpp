#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace tranter::conformance {

/// Another program, whose standard output is read line by line. It is killed when this object is
/// destroyed, and when the tests end in any other way.
class Process {
  public:
    /// Throws std::runtime_error when it cannot be started. `command` begins with a path.
    explicit Process(const std::vector<std::string>& command);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    /// Nothing when it ended or closed its output; throws when it says nothing for 30 s.
    std::optional<std::string> read_line();
    /// SIGKILL. Lines that it has written can still be read.
    void kill();
    /// SIGTERM, and waits for the end: its exit status, or 128 and the signal that ended it.
    int stop();

  private:
    int wait_for_end();

    pid_t pid_ = 0;  // 0: has ended
    int output_ = -1;
    std::string pending_{};
};

/// An empty directory, removed with everything in it.
class ScratchDirectory {
  public:
    ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory();

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace tranter::conformance
