#pragma once

#include "postgres/connection.hpp"
#include "postgres/retries.hpp"
#include "postgres/target.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace tranter::postgres {

/// Hears of what others NOTIFY, on a connection of its own that is made at the first use.
/// Thread-safe.
class Listener {
  public:
    /// `channel` is an identifier.
    Listener(Target target, std::string channel);

    /// Readable after a notification, or when the connection is lost; -1: does not hear anything at
    /// present. May be another one after drain().
    int fd();
    /// Takes what was heard. Makes a lost connection again: what was said meanwhile was not heard,
    /// so look for it.
    void drain();

  private:
    void listen();

    const Target target_;
    const std::string command_;
    std::mutex mutex_;

    // guarded by mutex_
    std::unique_ptr<Connection> connection_{};
    Retries retries_{};
    bool tried_ = false;
    bool deaf_ = false;  // said so
};

}  // namespace tranter::postgres
