#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/file_access.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// A file that text is appended to, whole lines at a time, and that makes room for a new one when
/// it is large or old: FILE becomes FILE.1, FILE.1 becomes FILE.2 and so on, and the last is
/// removed. Nothing is copied, so a full disk does not get fuller by it, unless they are compressed
/// to FILE.1.gz, for which append() waits. /dev/null is only written to, and anything else that is
/// no regular file is refused: a pipe that nobody reads would hold us up. Not thread-safe.
class LogFile {
  public:
    struct Options {
        std::string path{};
        FileOwner owner{};                                  // of the file, see FileAccess
        std::uint64_t bytes_max = std::uint64_t{10} << 20;  // 0: any
        std::uint32_t files_max = 5;                        // beside FILE itself
        Duration age_max{};                                 // {}: any
        bool compress = false;                              // those that were rotated
        /// Replaces the file that follows, as its last argument, by one with ".gz" behind its name.
        std::vector<std::string> compressor{"gzip", "-f", "--"};
        /// After that it is killed, and the file stays as it is.
        Duration compress_limit = std::chrono::minutes(5);

        bool operator==(const Options&) const = default;
    };

    /// Folders are made. Nothing is opened before the first append().
    explicit LogFile(Options options) : options_(std::move(options)) {}

    /// `unavailable` names the file and the reason; the text is lost, and the next call tries
    /// again. A text that is larger than `bytes_max` is not divided. After a stop nothing is
    /// compressed any more.
    [[nodiscard]] Result<> append(std::string_view lines, Instant now, std::stop_token stop = {});
    /// After somebody else has moved the file away.
    void reopen() { file_.reset(); }
    /// Empties it, and removes those that were rotated.
    [[nodiscard]] Result<> flush();

    const std::string& path() const { return options_.path; }

  private:
    Result<FileAccess> access();
    Result<> make_ready(std::size_t more_bytes, Instant now);
    Result<> open(const FileAccess& access, Instant now);
    Result<> rotate(const FileAccess& access);
    void put_rotation_off(const Error& error, Instant now);
    bool is_due(std::size_t more_bytes, Instant now) const;
    std::string rotated(std::uint32_t number) const;
    void compress(const std::string& path, std::stop_token stop);

    const Options options_;
    /// Once it is looked up: who it belongs to; nothing in it: us.
    std::optional<std::optional<process::Identity>> owner_{};
    Descriptor file_{};
    bool is_regular_ = false;
    bool must_compress_ = false;  // FILE.1
    std::uint64_t bytes_ = 0;
    Instant begun_at_{};
};

}  // namespace tranter::supervise
