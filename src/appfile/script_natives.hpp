#pragma once

#include "appfile/script.hpp"
#include "appfile/value.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

enum class Native : std::uint8_t {
    // Modules and objects.
    path,
    os,
    url,
    process,
    process_env,
    import_meta,
    object,
    math,
    console,
    cpus,
    // Functions.
    require,
    path_join,
    path_resolve,
    path_dirname,
    path_basename,
    path_extname,
    path_normalize,
    os_cpus,
    os_parallelism,
    os_hostname,
    os_home,
    url_to_path,
    process_cwd,
    object_assign,
    math_max,
    math_min,
    math_floor,
    math_ceil,
    math_round,
    console_print,
    parse_int,
    parse_float,
    number,
    text,
    boolean,
};

/// Names that are there without a declaration.
std::optional<Value> find_global(std::string_view name, const ScriptOptions& options);
/// `path`, `node:os`.
std::optional<Native> find_module(std::string_view name);
/// Nothing when our subset does not have it.
std::optional<Value> find_native_member(
    Native of, std::string_view name, const ScriptOptions& options
);
bool is_function(Native native);
/// Variables of the environment as an object.
Value::Object environment_object(const ScriptOptions& options);

/// The error is for people: what is wrong with the arguments.
std::expected<Value, std::string> call_native(
    Native function, const std::vector<Value>& arguments, const ScriptOptions& options
);

/// Of one object. Its members are looked for one after the other.
constexpr std::size_t members_max = 2000;
std::string too_many_members();

// How JavaScript converts.
bool is_truthy(const Value& value);
double to_number(const Value& value);

/// Processors that this process may use, at least 1.
std::uint32_t processor_count();

}  // namespace tranter::appfile
