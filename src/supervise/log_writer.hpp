#pragma once

#include "base/time.hpp"
#include "supervise/file_work.hpp"
#include "supervise/log_file.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tranter::supervise {

/// Writes log files elsewhere (FileWork), so that a disk which is slow or full, or a write that
/// never returns, holds up neither the supervisor nor an app nor the logs of others: what is too
/// much by then is dropped, and a line in the file says how much. Thread-safe.
class LogWriter {
  public:
    struct Options {
        const Clock& clock;
        /// Text of one file that may wait.
        std::size_t waiting_bytes_max = std::size_t{4} << 20;
        FileWork::Options work{};
    };
    /// A file, opened by open() and shared by whoever writes to it.
    class Target;
    using TargetPtr = std::shared_ptr<Target>;

    /// Its end writes what waits, and gives up files that hang; see FileWork.
    explicit LogWriter(Options options);

    TargetPtr open(LogFile::Options file);
    /// What is written from now on follows these, which are for the same file.
    void change(const TargetPtr& target, LogFile::Options file);
    /// Whole lines. Never blocks.
    void write(const TargetPtr& target, std::string lines);
    /// Files that were moved away are begun anew.
    void reopen();
    /// Empties the file once what waits is written.
    void flush(const TargetPtr& target);
    /// Blocks until what was written before is in the files. For tests.
    void wait_until_written() { work_.wait_until_done(); }
    /// Lines that were dropped since the target was opened.
    std::uint64_t dropped(const TargetPtr& target) const;

    /// For other files that apps name. Its look() is called now and then by whoever has us.
    FileWork& work() { return work_; }

  private:
    struct Piece;
    void put(const TargetPtr& target, Piece piece);

    const Options options_;
    mutable std::mutex mutex_;
    std::vector<std::weak_ptr<Target>> targets_;  // guarded by mutex_
    FileWork work_;
};

}  // namespace tranter::supervise
