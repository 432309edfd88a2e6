#include "appfile/path_text.hpp"

#include <algorithm>

namespace tranter::appfile {
namespace {

std::string_view without_end_slashes(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    return path;
}

}  // namespace

std::string normalize_path(std::string_view path) {
    if (path.empty()) return ".";
    const bool is_absolute = path.starts_with('/');
    const bool ends_with_slash = path.ends_with('/');
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == ".." && !parts.empty() && parts.back() != "..") {
            parts.pop_back();
        } else if (part != ".." || !is_absolute) {
            parts.push_back(part);
        }
    }
    std::string out = is_absolute ? "/" : "";
    for (std::size_t i = 0; i < parts.size(); ++i)
        out.append(i > 0 ? "/" : "").append(parts[i]);
    if (out.empty()) out = ".";
    if (ends_with_slash && !out.ends_with('/')) out += '/';
    return out;
}

std::string join_paths(const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) {
        if (part.empty()) continue;
        if (!all.empty()) all += '/';
        all += part;
    }
    return normalize_path(all);
}

std::string resolve_path(std::string_view directory, const std::vector<std::string>& parts) {
    std::string all(directory);
    for (const std::string& part : parts) {
        if (part.starts_with('/')) {
            all = part;
        } else if (!part.empty()) {
            all.append("/").append(part);
        }
    }
    return std::string(without_end_slashes(normalize_path("/" + all)));
}

std::string resolve_path(std::string_view directory, std::string_view path) {
    return resolve_path(directory, std::vector<std::string>{std::string(path)});
}

std::string directory_of(std::string_view path) {
    if (path.empty()) return ".";
    path = without_end_slashes(path);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

std::string base_name(std::string_view path, std::string_view ending) {
    if (!ending.empty() && path == ending) return {};
    path = without_end_slashes(path);
    std::string_view name = path.substr(path.rfind('/') + 1);
    if (name.size() > ending.size() && name.ends_with(ending)) name.remove_suffix(ending.size());
    return std::string(name);
}

std::string extension_of(std::string_view path) {
    const std::string name = base_name(path);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos || dot == 0 || name == "..") return {};
    return name.substr(dot);
}

}  // namespace tranter::appfile
