#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::supervise {

/// A file that text is appended to, whole lines at a time, and that makes room for a new one when
/// it is large or old: FILE becomes FILE.1, FILE.1 becomes FILE.2 and so on, and the last is
/// removed. Nothing is copied, so a full disk does not get fuller by it, unless they are compressed
/// to FILE.1.gz, for which append() waits. What is no regular file (a terminal, a pipe, /dev/null)
/// is only written to. Not thread-safe.
class LogFile {
  public:
    struct Options {
        std::string path{};
        std::uint64_t bytes_max = std::uint64_t{10} << 20;  // 0: any
        std::uint32_t files_max = 5;                        // beside FILE itself
        Duration age_max{};                                 // {}: any
        bool compress =
            false;  // those that were rotated, by gzip(1). Without it they stay as they are
    };

    /// Folders are made. Nothing is opened before the first append().
    explicit LogFile(Options options) : options_(std::move(options)) {}

    /// `unavailable` names the file and the reason; the text is lost, and the next call tries
    /// again. A text that is larger than `bytes_max` is not divided.
    [[nodiscard]] Result<> append(std::string_view lines, Instant now);
    /// After somebody else has moved the file away.
    void reopen() { file_.reset(); }
    /// Empties it, and removes those that were rotated.
    [[nodiscard]] Result<> flush();

    const std::string& path() const { return options_.path; }

  private:
    Result<> open(Instant now);
    Result<> rotate();
    void put_rotation_off(const Error& error, Instant now);
    bool is_due(std::size_t more_bytes, Instant now) const;
    std::string rotated(std::uint32_t number) const;
    void compress(const std::string& path) const;

    const Options options_;
    Descriptor file_{};
    bool is_regular_ = false;
    std::uint64_t bytes_ = 0;
    Instant begun_at_{};
};

}  // namespace tranter::supervise
