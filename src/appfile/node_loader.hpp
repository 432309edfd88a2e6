#pragma once

#include "appfile/value.hpp"
#include "base/error.hpp"

#include <string>
#include <vector>

namespace tranter::appfile {

struct NodeModule {
    Value value;  // without places
    /// What was a function in it, and so is left out: "apps[0].hook".
    std::vector<std::string> functions{};
};

struct NodeOptions {
    std::string node{};       // path of the program
    std::string path{};       // of the file, absolute
    std::string directory{};  // process.cwd()
    std::vector<std::string> environment{};
};

/// Has node evaluate a file: what it exports (or its default), called when it is a function; a
/// RegExp is {"$regex": SOURCE, "$flags": FLAGS}. What the file prints goes nowhere, its input is
/// closed, and after 10 seconds it is killed. `invalid_argument` says what node says of the file,
/// `timed_out` that it took too long.
[[nodiscard]] Result<NodeModule> load_by_node(const NodeOptions& options);

}  // namespace tranter::appfile
