#pragma once

#include "process/identity.hpp"

#include <sys/types.h>

#include <vector>

namespace tranter::process {

/// While it lives, the calling thread reaches files with the rights of another user, and what it
/// makes belongs to that one; other threads and the rights of the process stay as they are. For
/// files whose paths somebody else controls: a link of his leads only to where he may go himself.
/// To be destroyed by the thread that has made it. For root only, see has_worked().
class FileRights {
  public:
    explicit FileRights(const Identity& who);
    ~FileRights();
    FileRights(const FileRights&) = delete;
    FileRights& operator=(const FileRights&) = delete;

    /// Otherwise everything is as it was, and nothing may be opened for that user.
    bool has_worked() const { return has_worked_; }

  private:
    void restore() const;

    std::vector<gid_t> groups_{};  // as they were, and the next two
    uid_t user_ = 0;
    gid_t group_ = 0;
    bool has_worked_ = false;
};

}  // namespace tranter::process
