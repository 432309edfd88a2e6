#include "appfile/procfile.hpp"

#include "appfile/words.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"
#include "process/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace tranter::appfile {
namespace {

constexpr std::uint32_t port_first = 5000;
constexpr std::uint32_t port_step = 100;
constexpr std::size_t entries_max = 600;  // more would have no ports

std::string_view stripped(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t start = text.find_first_not_of(blanks);
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

bool is_process_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

std::unexpected<Error> bad_line(const std::string& file, std::size_t line, std::string_view what) {
    return fail(Errc::invalid_argument, fmt::format("{}:{}: {}", file, line, what));
}

Result<> apply_formation(
    std::vector<supervise::App>& apps, const std::string& file, const LoadOptions& options
) {
    for (const auto& [name, count] : options.formation) {
        bool is_known = name == "all";
        for (supervise::App& app : apps) {
            if (name != "all" && name != app.name) continue;
            is_known = true;
            app.instances = std::max(1U, count);
            app.starts_by_itself = count > 0;
        }
        if (is_known) continue;
        std::vector<std::string_view> names;
        for (const supervise::App& app : apps)
            names.push_back(app.name);
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "formation: {} has no {}{}", file, in_quotes(name), did_you_mean(name, names)
            )
        );
    }
    return {};
}

}  // namespace

Result<std::vector<supervise::App>> parse_procfile(
    std::string_view text,
    const std::string& file,
    const std::string& directory,
    const LoadOptions& options
) {
    std::vector<supervise::App> apps;
    const bool has_bash = !process::find_program("bash", options.environment).empty();
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view entry = stripped(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (entry.empty() || entry.starts_with('#')) continue;
        const std::size_t colon = entry.find(':');
        if (colon == std::string_view::npos) {
            return bad_line(file, line, "has no colon, write NAME: COMMAND");
        }
        supervise::App app;
        app.name = stripped(entry.substr(0, colon));
        const std::string command(stripped(entry.substr(colon + 1)));
        if (!is_process_name(app.name)) {
            return bad_line(
                file, line, in_quotes(app.name) + " is no name, use letters, digits, - and _"
            );
        }
        if (command.empty()) return bad_line(file, line, app.name + " has no command");
        if (std::ranges::find(apps, app.name, &supervise::App::name) != apps.end()) {
            return bad_line(file, line, app.name + " stands here twice");
        }
        if (apps.size() >= entries_max) {
            return bad_line(file, line, fmt::format("has more than {} entries", entries_max));
        }
        app.command = split_words(command);
        if (needs_shell(command) || app.command.empty() || app.command.front().empty()) {
            app.command = {has_bash ? "bash" : "sh", "-c", command};
        }
        app.directory = directory;
        const auto port = port_first + port_step * static_cast<std::uint32_t>(apps.size());
        app.environment = {{"PORT", std::to_string(port)}};
        app.increment_variable = "PORT";
        apps.push_back(std::move(app));
    }
    if (apps.empty()) {
        return fail(Errc::invalid_argument, file + ": has no entries, write NAME: COMMAND");
    }
    if (const auto done = apply_formation(apps, file, options); !done) {
        return std::unexpected(done.error());
    }
    return apps;
}

}  // namespace tranter::appfile
