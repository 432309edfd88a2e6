#pragma once

#include "base/error.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tranter::process {

/// Who a program runs as.
struct Identity {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups{};  // all of them
    // Of the list of users, for HOME, USER and SHELL; empty for one that is not in it.
    std::string name{};
    std::string home{};
    std::string shell{};

    bool operator==(const Identity&) const = default;
};

/// Looks up a user and a group, each a name or a number; an empty one is ours, or that of the user.
/// Reads files and may ask a name service, so not for a copy of a process with threads.
/// `not_found` for an unknown name; `invalid_argument` when a number that is not in the list of
/// users comes without a group.
[[nodiscard]] Result<Identity> find_identity(const std::string& user, const std::string& group);

}  // namespace tranter::process
