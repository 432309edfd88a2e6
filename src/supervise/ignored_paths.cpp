#include "supervise/ignored_paths.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

namespace tranter::supervise {
namespace {

/// Where others write "at any depth" and "and all below", which is what we do anyway.
std::string without_depth(std::string_view pattern) {
    while (pattern.starts_with("./") || pattern.starts_with("**/"))
        pattern.remove_prefix(pattern.find('/') + 1);
    if (pattern.ends_with("/**")) pattern.remove_suffix(3);
    while (pattern.size() > 1 && pattern.ends_with('/'))
        pattern.remove_suffix(1);
    return std::string(pattern);
}

bool fits(const std::string& pattern, const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

}  // namespace

Result<IgnoredPaths> IgnoredPaths::make(const std::vector<std::string>& patterns) {
    IgnoredPaths out;
    for (const std::string_view given : patterns) {
        constexpr std::string_view expression = "re:";
        if (given.starts_with(expression)) {
            auto compiled = Pattern::compile(given.substr(expression.size()));
            if (!compiled) return std::unexpected(compiled.error());
            out.expressions_.push_back(std::move(*compiled));
            continue;
        }
        std::string pattern = without_depth(given);
        auto& list = pattern.contains('/') ? out.paths_ : out.names_;
        list.push_back(std::move(pattern));
    }
    return out;
}

bool IgnoredPaths::has(const std::string& directory, const std::string& relative) const {
    const std::string name = relative.substr(relative.rfind('/') + 1);
    if (name.starts_with('.') || name == "node_modules") return true;
    const std::string path = directory + "/" + relative;
    return std::ranges::any_of(names_, [&](const auto& one) { return fits(one, name); }) ||
           std::ranges::any_of(
               paths_, [&](const auto& one) { return fits(one, path) || fits(one, relative); }
           ) ||
           std::ranges::any_of(expressions_, [&](const auto& one) { return one.is_in(relative); });
}

}  // namespace tranter::supervise
