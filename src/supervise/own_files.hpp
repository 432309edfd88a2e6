#pragma once

#include "supervise/app.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// The files that we write ourselves, which are no change of anybody's program: logs of apps with
/// those that were rotated, pid files, and what a supervisor has for itself. Not thread-safe.
class OwnFiles {
  public:
    /// See has().
    using Question = std::function<
        bool(const std::string& path, bool is_folder, const std::vector<std::string>& watched)>;

    /// `places` are files, and folders with all that is in them.
    explicit OwnFiles(std::vector<std::string> places) : places_(std::move(places)) {}

    /// In place of those that were known of an app of this name.
    void put(const App& app);
    void remove(std::string_view app);

    /// Whether `path` (absolute; links in it are resolved, or it is spelled as in the app) is one
    /// of them, or a folder that is there for one of them. A place that is, or is above, one of
    /// `watched` does not count: somebody wants to know of it.
    bool has(const std::string& path, bool is_folder, const std::vector<std::string>& watched)
        const;

  private:
    struct Files {
        std::vector<std::string> logs{};  // with {number}
        std::vector<std::string> pids{};
    };

    const std::vector<std::string> places_;
    std::map<std::string, Files, std::less<>> files_{};
};

}  // namespace tranter::supervise
