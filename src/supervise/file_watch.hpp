#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/own_files.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tranter::supervise {

/// Tells when something in files or directories changes, with inotify(7), directories below
/// included. Not thread-safe.
///
/// A file has changed when whoever wrote to it has closed it: a log that is kept open is no change.
/// Links below a watched directory are not followed. A watched path that is removed or replaced
/// (itself, not a directory above it) is watched again as soon as it is back.
class FileWatch {
  public:
    struct Options {
        EventLoop& loop;
        std::vector<std::string> paths{};
        /// What does not count, and nothing below it either: shell patterns (fnmatch(3), where * is
        /// any text) for a name, or with a slash for the absolute path or the one relative to the
        /// watched directory; "re:" and a Pattern is looked for in the latter. node_modules and
        /// names with a leading dot never count. All that holds below the watched paths, not for
        /// these.
        std::vector<std::string> ignored{};
        /// What is not told either, though what is in it may be: files that we write ourselves.
        /// Asked with links in the path resolved, and with the watched paths in the same spelling.
        OwnFiles::Question is_own{};
        /// Changes that follow each other within this time are told once, afterwards.
        Duration quiet = std::chrono::milliseconds(200);
        /// Called by the loop with the first that has changed; may destroy the watch.
        std::function<void(const std::string& path)> changed{};
    };
    /// `not_found` names a path that is not there, `unavailable` says which limit of the kernel was
    /// reached, `invalid_argument` what is wrong with a pattern. Directories that we may not read
    /// are left out, as are those that are made when the limit has been reached, which is logged.
    [[nodiscard]] static Result<std::unique_ptr<FileWatch>> make(Options options);
    virtual ~FileWatch() = default;
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

  protected:
    FileWatch() = default;
};

}  // namespace tranter::supervise
