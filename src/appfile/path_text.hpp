#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Paths as text, by the rules of Node's `path` on POSIX. Nothing looks at the disk.
namespace tranter::appfile {

/// Without ".", ".." and doubled slashes where that can be said; "." when nothing is left.
std::string normalize_path(std::string_view path);
/// path.join
std::string join_paths(const std::vector<std::string>& parts);
/// path.resolve: the last that is absolute and what follows it, below `directory`, absolute.
std::string resolve_path(std::string_view directory, const std::vector<std::string>& parts);
std::string resolve_path(std::string_view directory, std::string_view path);
/// path.dirname
std::string directory_of(std::string_view path);
/// path.basename; `ending` is taken off when it is not all of the name.
std::string base_name(std::string_view path, std::string_view ending = {});
/// path.extname: ".js", with its dot; "" for names like ".profile".
std::string extension_of(std::string_view path);

}  // namespace tranter::appfile
