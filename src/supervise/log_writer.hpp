#pragma once

#include "base/time.hpp"
#include "supervise/log_file.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// Writes log files on a thread of its own, so that a disk which is slow or full holds up neither
/// the supervisor nor an app: what is too much by then is dropped, and a line in the file says how
/// much. Thread-safe.
class LogWriter {
  public:
    struct Options {
        const Clock& clock;
        /// Text of one file that may wait.
        std::size_t waiting_bytes_max = std::size_t{4} << 20;
    };
    /// A file, opened by open() and shared by whoever writes to it.
    class Target;
    using TargetPtr = std::shared_ptr<Target>;

    explicit LogWriter(Options options);
    /// Writes what waits.
    ~LogWriter();

    TargetPtr open(LogFile::Options file);
    /// Whole lines. Never blocks for long.
    void write(const TargetPtr& target, std::string lines);
    /// Files that were moved away are begun anew.
    void reopen();
    /// Empties the file once what waits is written.
    void flush(const TargetPtr& target);
    /// Blocks until what was written before is in the files.
    void wait_until_written();
    /// Lines that were dropped since the target was opened.
    std::uint64_t dropped(const TargetPtr& target) const;

  private:
    struct Piece {
        TargetPtr target{};
        std::string lines{};
        bool empties = false;
    };
    void run(const std::stop_token& stop);
    void put(const Piece& piece);

    const Options options_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::condition_variable written_;
    // Guarded by mutex_:
    std::vector<Piece> waiting_;
    std::vector<std::weak_ptr<Target>> targets_;
    bool is_writing_ = false;
    bool must_reopen_ = false;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace tranter::supervise
