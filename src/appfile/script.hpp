#pragma once

#include "appfile/value.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

struct ScriptOptions {
    std::string path{};       // __filename, absolute
    std::string directory{};  // process.cwd()
    /// process.env, "NAME=value" each.
    std::vector<std::string> environment{};
    enum class Form : std::uint8_t {
        module,      // what it exports
        expression,  // JSON, which PM2 takes for JavaScript too
    } form = Form::module;
};

/// Evaluates the part of JavaScript in which configuration is written: literals, templates,
/// spreads, bindings, operators, `process.env`, and a few functions of Node (script_natives.hpp).
/// Nothing is run that could loop or touch the machine; depth, values and bytes of text are
/// bounded. `invalid_argument` is "LINE:COLUMN: what", and names what is not evaluated.
[[nodiscard]] Result<Value> evaluate_script(std::string_view text, const ScriptOptions& options);

}  // namespace tranter::appfile
