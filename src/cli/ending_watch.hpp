#pragma once

#include "base/descriptor.hpp"

#include <csignal>

namespace tranter::cli {

/// For a command that goes on until it is told to end: by SIGINT, SIGTERM or SIGHUP, or because
/// nobody reads its output any more. While it lives these signals do nothing else. For one thread;
/// others that were started before may still take the signals.
class EndingWatch {
  public:
    /// Throws SystemError when there are no descriptors left.
    explicit EndingWatch(int output);
    ~EndingWatch();
    EndingWatch(const EndingWatch&) = delete;
    EndingWatch& operator=(const EndingWatch&) = delete;

    /// Readable once it has come.
    int descriptor() const { return both_.get(); }
    bool has_come() const;

  private:
    sigset_t before_{};
    Descriptor signals_{};
    Descriptor both_{};  // epoll of the signals and the output
};

}  // namespace tranter::cli
