#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "process/file_rights.hpp"
#include "process/identity.hpp"

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

namespace tranter::supervise {

/// Who the files of an app belong to, names or numbers as in Limits. Both empty: us.
struct FileOwner {
    std::string user{};
    std::string group{};

    auto operator<=>(const FileOwner&) const = default;
};

/// Access of the calling thread to a file that an app names, and to those beside it, for as long as
/// it lives.
///
/// When the app runs as another user than we, he may put a link where the file is to be, or swap a
/// folder for one. So everything is done with his rights (process::FileRights), and the file itself
/// may be no link. The exception is a folder that only root or we can change, up to the root
/// directory: nobody can put anything there, and files are ours. Links in such folders are passed,
/// as /var/run is.
class FileAccess {
  public:
    /// Nothing when the owner is us. Errors are those of process::find_identity().
    [[nodiscard]] static Result<std::optional<process::Identity>> find_owner(const FileOwner& owner
    );
    /// Makes the folder of `path` too, and says nothing when that fails. `permission_denied` when
    /// we may not act for that user.
    [[nodiscard]] static Result<FileAccess> to(
        const std::string& path, const std::optional<process::Identity>& owner
    );

    /// Opens a regular file, or /dev/null, and never waits. `flags` as for open(2). `unavailable`
    /// names the path and why not: pipes, devices and sockets may hold up whoever writes to them.
    [[nodiscard]] Result<Descriptor> open(const std::string& path, int flags, mode_t mode = 0)
        const;
    /// Whose rights are used now; nothing: ours.
    const std::optional<process::Identity>& acts_for() const { return acts_for_; }
    /// For errors: "opened", "opened as user 1000".
    std::string done_as(std::string_view what) const;

  private:
    FileAccess() = default;

    std::optional<process::Identity> acts_for_{};
    bool follows_links_ = true;
    std::unique_ptr<process::FileRights> rights_{};  // last: given back first
};

/// Whether a log named so has no file: /dev/null, and what names our own output, which the lines
/// of apps go to anyway where there is somebody to read them.
bool is_no_file(std::string_view path);

}  // namespace tranter::supervise
