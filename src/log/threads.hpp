#pragma once

#include "log/compaction.hpp"
#include "log/log.hpp"

#include <memory>

namespace tranter::log {

/// The threads that a log needs in production: one syncs (group commit), one writes for those who
/// only wait for the kernel while a sync is under way, one compacts and watches the space. The
/// destructor joins them and commits what was appended; nobody else uses the log any more then.
class LogThreads {
  public:
    LogThreads(Log& log, Keeper& keeper);
    ~LogThreads();
    LogThreads(const LogThreads&) = delete;
    LogThreads& operator=(const LogThreads&) = delete;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::log
