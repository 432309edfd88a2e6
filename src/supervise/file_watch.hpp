#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tranter::supervise {

/// Tells when something in files or directories changes, with inotify(7), directories below
/// included. Not thread-safe.
class FileWatch {
  public:
    struct Options {
        EventLoop& loop;
        std::vector<std::string> paths{};
        /// Names or shell patterns (fnmatch(3)) of what does not count, of a whole path relative to
        /// the watched directory or of any one name in it. node_modules and names with a leading
        /// dot never count.
        std::vector<std::string> ignored{};
        /// Changes that follow each other within this time are told once, afterwards.
        Duration quiet = std::chrono::milliseconds(200);
        std::function<void(const std::string& path)> changed{};
    };
    /// `not_found` names a path that is not there, `unavailable` says which limit of the kernel was
    /// reached.
    [[nodiscard]] static Result<std::unique_ptr<FileWatch>> make(Options options);
    virtual ~FileWatch() = default;
};

}  // namespace tranter::supervise
