#pragma once

#include "base/error.hpp"
#include "cli/config_file.hpp"
#include "cli/config_node.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// What a HOCON text may refer to.
struct HoconContext {
    Environment env;
    /// The text of an included file by its path, or nothing when there is none. Unset: no includes.
    std::function<Result<std::optional<std::string>>(const std::string& path)> read_include;
};

struct HoconDocument {
    /// Substitutions are resolved, objects merged. Every scalar is text exactly as it was written
    /// (000000000000 stays twelve zeros); null is no value.
    ConfigNode root;
    std::vector<std::string> files;  ///< what ConfigPosition::file counts
    std::vector<std::string> notices;
};

/// Reads the part of HOCON that configuration files use: objects with and without braces and
/// separators, dotted and quoted keys, merging, `+=`, arrays, quoted, unquoted and triple-quoted
/// text, value concatenation, `${path}` and `${?path}` with the environment as the last resort,
/// comments, includes. `include classpath(...)` is accepted and adds nothing.
/// Errors are `file:line:column: what, what would be right`. Depth, number of includes and the
/// size of the result are bounded.
[[nodiscard]] Result<HoconDocument> parse_hocon(
    std::string_view text, const std::string& name, const HoconContext& context
);

}  // namespace tranter::cli
