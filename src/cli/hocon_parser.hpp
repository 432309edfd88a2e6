#pragma once

#include "cli/hocon.hpp"
#include "cli/hocon_value.hpp"

#include <string>
#include <vector>

namespace tranter::cli::hocon {

struct ParsedFiles {
    Object root;
    std::vector<std::string> files;
    std::vector<std::string> notices;
};

/// Text and includes to one tree of unresolved values.
[[nodiscard]] Result<ParsedFiles> parse_files(
    std::string_view text, const std::string& name, const HoconContext& context
);

/// The tree to plain values. Bounds the result, because substitutions can multiply.
[[nodiscard]] Result<ConfigNode> resolve(const ParsedFiles& files, const Environment& env);

/// "file:line:column: what", one printable line.
[[nodiscard]] std::unexpected<Error> refuse_at(
    const std::vector<std::string>& files, ConfigPosition where, std::string_view what
);

}  // namespace tranter::cli::hocon
