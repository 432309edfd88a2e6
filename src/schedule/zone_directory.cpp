#include "schedule/zone_directory.hpp"

#include "base/suggest.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace tranter::schedule {
namespace {

constexpr std::size_t name_bytes_max = 64;

bool is_name_character(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/';
}

/// Never a path that leaves the directory: dots are no part of any name.
bool is_zone_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max &&
           std::ranges::all_of(name, is_name_character) && name.front() != '/' &&
           name.back() != '/' && !name.contains("//") &&
           !name.starts_with("right/");  // those count leap seconds, as nothing else does
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(path, failed)) return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

constexpr const char* table_of_zones = "tzdata.zi";
constexpr const char* version_file = "+VERSION";

/// The first line of tzdata.zi is "# version 2026a"; BSDs have a file for it.
std::string read_version(const std::filesystem::path& directory) {
    std::ifstream file(directory / table_of_zones);
    std::string hash;
    std::string word;
    std::string version;
    file >> hash >> word >> version;
    if (hash == "#" && word == "version") return version;
    std::ifstream other(directory / version_file);
    std::string other_version;
    other >> other_version;
    return other_version;
}

/// From the table of zones that Debian and the others install beside them.
std::vector<std::string> known_names(const std::filesystem::path& directory) {
    std::vector<std::string> names{"UTC"};
    std::ifstream file(directory / table_of_zones);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("Z ")) {
            names.push_back(line.substr(2, line.find(' ', 2) - 2));
        } else if (line.starts_with("L ")) {
            names.push_back(line.substr(line.rfind(' ') + 1));
        }
    }
    return names;
}

}  // namespace

std::filesystem::path ZoneDirectory::system_path() {
    const char* chosen = std::getenv("TZDIR");
    return chosen != nullptr && *chosen != '\0' ? chosen : "/usr/share/zoneinfo";
}

ZoneDirectory::ZoneDirectory(std::filesystem::path path) : path_(std::move(path)) {
    forget();
}

ZoneDirectory::Written ZoneDirectory::written() const {
    const auto time_of = [](const std::filesystem::path& path) {
        std::error_code failed;
        const auto time = std::filesystem::last_write_time(path, failed);
        return failed ? std::filesystem::file_time_type() : time;
    };
    return {time_of(path_), time_of(path_ / table_of_zones), time_of(path_ / version_file)};
}

/// With mutex_ held, or from the constructor.
void ZoneDirectory::forget() {
    written_ = written();
    version_ = read_version(path_);
    zones_.clear();
    zones_.emplace("UTC", std::make_shared<const TimeZone>(TimeZone::utc()));
}

std::string ZoneDirectory::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

bool ZoneDirectory::reload_if_changed() {
    const std::lock_guard lock(mutex_);
    if (written() == written_) return false;
    forget();
    return true;
}

Result<ZoneHandle> ZoneDirectory::find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = zones_.find(name); found != zones_.end()) return found->second;
    if (!is_zone_name(name)) {
        const std::string_view shown = name.substr(0, name_bytes_max);
        return fail(
            Errc::invalid_argument,
            "\"" + std::string(shown) + "\" is no time zone, use a name like Europe/Berlin or UTC"
        );
    }
    const auto file = read_file(path_ / name);
    if (!file || !file->starts_with("TZif")) return std::unexpected(unknown(name));
    auto zone = TimeZone::parse(std::string(name), *file);
    if (!zone) return std::unexpected(zone.error());
    auto handle = std::make_shared<const TimeZone>(std::move(*zone));
    zones_.emplace(name, handle);
    return handle;
}

Error ZoneDirectory::unknown(std::string_view name) const {
    std::error_code failed;
    if (!std::filesystem::is_directory(path_, failed)) {
        return {
            Errc::unavailable,
            "time zone " + std::string(name) + " cannot be read, because there is no directory " +
                path_.string() + ": install tzdata"};
    }
    const auto names = known_names(path_);
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    return {
        Errc::invalid_argument,
        "time zone " + std::string(name) + " is not known" + did_you_mean(name, candidates)};
}

}  // namespace tranter::schedule
