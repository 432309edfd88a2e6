#include "supervise/own_files.hpp"

#include "supervise/file_access.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace tranter::supervise {
namespace {

std::size_t count_digits(std::string_view text) {
    const std::size_t end = text.find_first_not_of("0123456789");
    return std::min(end, text.size());
}

/// `path` has numbers where `pattern` has {number}; what follows then is for `is_rest`.
template <class IsRest>
bool matches(std::string_view pattern, std::string_view path, const IsRest& is_rest) {
    constexpr std::string_view place = "{number}";
    const std::size_t at = pattern.find(place);
    const std::string_view before = pattern.substr(0, at);
    if (!path.starts_with(before)) return false;
    path.remove_prefix(before.size());
    if (at == std::string_view::npos) return is_rest(path);
    pattern.remove_prefix(at + place.size());
    for (std::size_t digits = count_digits(path); digits > 0; --digits)
        if (matches(pattern, path.substr(digits), is_rest)) return true;
    return false;
}

bool is_nothing(std::string_view rest) {
    return rest.empty();
}

/// "", ".1" or ".1.gz".
bool is_rotation(std::string_view rest) {
    if (rest.empty()) return true;
    if (rest[0] != '.') return false;
    rest.remove_prefix(1);
    const std::size_t digits = count_digits(rest);
    rest.remove_prefix(digits);
    return digits > 0 && (rest.empty() || rest == ".gz");
}

bool is_folder_of(std::string_view folder, std::string_view pattern) {
    for (std::size_t at = pattern.find('/', 1); at != std::string_view::npos;
         at = pattern.find('/', at + 1))
        if (matches(pattern.substr(0, at), folder, is_nothing)) return true;
    return false;
}

bool is_in(std::string_view path, std::string_view place) {
    return path.starts_with(place) &&
           (path.size() == place.size() || path[place.size()] == '/' || place == "/");
}

/// As it is written, and with links resolved.
void add_spellings(std::vector<std::string>& out, const std::string& text) {
    if (text.empty() || is_no_file(text)) return;
    std::error_code failed;
    const auto path = std::filesystem::absolute(text, failed).lexically_normal();
    if (failed) return;
    out.push_back(path.string());
    const auto folder = std::filesystem::weakly_canonical(path.parent_path(), failed);
    if (!failed) out.push_back((folder / path.filename()).string());
}

}  // namespace

void OwnFiles::put(const App& app) {
    Files files;
    for (const std::string& path : {app.logs.output, app.logs.errors, app.logs.combined})
        add_spellings(files.logs, path);
    add_spellings(files.pids, app.pid_file);
    files_.insert_or_assign(app.name, std::move(files));
}

void OwnFiles::remove(std::string_view app) {
    const auto found = files_.find(app);
    if (found != files_.end()) files_.erase(found);
}

bool OwnFiles::has(const std::string& path, bool is_folder, const std::vector<std::string>& watched)
    const {
    const auto is_of_place = [&](const std::string& place) {
        return is_in(path, place) && std::ranges::none_of(watched, [&](const std::string& one) {
                   return is_in(one, place);
               });
    };
    if (std::ranges::any_of(places_, is_of_place)) return true;
    return std::ranges::any_of(files_, [&](const auto& entry) {
        const auto& [logs, pids] = entry.second;
        const auto is_log = [&](const std::string& one) {
            return is_folder ? is_folder_of(path, one) : matches(one, path, is_rotation);
        };
        const auto is_pid = [&](const std::string& one) {
            return is_folder ? is_folder_of(path, one) : matches(one, path, is_nothing);
        };
        return std::ranges::any_of(logs, is_log) || std::ranges::any_of(pids, is_pid);
    });
}

}  // namespace tranter::supervise
