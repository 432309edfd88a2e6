#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

/// A leading ~ is HOME of `environment`.
std::string expand_home(std::string_view path, const std::vector<std::string>& environment);

/// What a file that is to be run looks like.
struct ScriptFile {
    enum class Kind : std::uint8_t { missing, text, binary, script } kind = Kind::missing;
    bool is_executable = false;
    /// Of a script: what stands behind its #!.
    std::string interpreter{};
};
ScriptFile look_at(const std::string& path);

}  // namespace tranter::appfile
