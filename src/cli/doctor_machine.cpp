#include "base/descriptor.hpp"
#include "base/log_text.hpp"
#include "cli/doctor_check.hpp"
#include "cli/schedule_session.hpp"
#include "schedule/zone_directory.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

// The machine: limits, time zones, directories.
namespace tranter::cli {
namespace {

using Steady = std::chrono::steady_clock;
using Millis = std::chrono::duration<double, std::milli>;

constexpr std::uint64_t files_min = 1024;
constexpr std::uint64_t files_reserve = 256;  // beside connections
constexpr int sync_tries = 5;
constexpr Millis sync_slow{20};
constexpr Millis sync_very_slow{100};
constexpr double free_share_min = 0.1;

/// How long it takes to make 4 KiB of a file without a name durable; nothing where that cannot be
/// tried.
std::optional<Millis> sync_time(const std::string& directory) {
    const Descriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file) return std::nullopt;
    std::array<char, 4096> block{};
    std::vector<Millis> times;
    for (int i = 0; i < sync_tries; ++i) {
        const auto begun = Steady::now();
        if (::write(file.get(), block.data(), block.size()) < 0) return std::nullopt;
        if (::fdatasync(file.get()) != 0) return std::nullopt;
        times.emplace_back(Steady::now() - begun);
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
}

Finding judge_sync(const std::string& directory) {
    const auto time = sync_time(directory);
    if (!time) return Finding::fine("the time of a sync cannot be measured on this file system");
    std::string text = fmt::format("a sync takes {:.1f}ms", time->count());
    if (*time < sync_slow) return Finding::fine(std::move(text));
    text += fmt::format(
        ", every acknowledged change waits for one; below {}ms is usual", sync_slow.count()
    );
    const std::string fix = "move server.data to a faster disk, or set durability = \"os\"";
    return *time < sync_very_slow ? Finding::warning(std::move(text), fix)
                                  : Finding::error(std::move(text), fix);
}

Finding judge_space(const std::string& directory) {
    struct statvfs disk {};
    if (::statvfs(directory.c_str(), &disk) != 0 || disk.f_blocks == 0) {
        return Finding::fine("the free space of this file system is not known");
    }
    const double share = static_cast<double>(disk.f_bavail) / static_cast<double>(disk.f_blocks);
    const std::uint64_t free_mebibytes = disk.f_bavail * disk.f_frsize >> 20U;
    std::string text =
        fmt::format("{} MiB of the disk are free, {:.0f}%", free_mebibytes, share * 100);
    if (share >= free_share_min) return Finding::fine(std::move(text));
    return Finding::warning(std::move(text), fmt::format("df -h {}", one_line(directory)));
}

/// Whether others than its owner may get at it.
std::optional<Finding> problem_of_mode(
    const std::string& path, const struct stat& entry, mode_t forbidden
) {
    const std::string shown = one_line(path);
    if (!S_ISDIR(entry.st_mode)) {
        return Finding::error(fmt::format("{} is no directory", shown), "name another one");
    }
    if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
        return Finding::error(
            fmt::format("{} cannot be written by this user: {}", shown, std::strerror(errno)),
            fmt::format("chown -R {} {}", ::geteuid(), shown)
        );
    }
    if ((entry.st_mode & forbidden) == 0) return std::nullopt;
    return Finding::warning(
        fmt::format("{} has mode {:o}, so others get at it", shown, entry.st_mode & 07777U),
        fmt::format("chmod 700 {}", shown)
    );
}

std::optional<int> year_of(std::string_view version) {
    int year = 0;
    const auto read = std::from_chars(version.data(), version.data() + version.size(), year);
    if (read.ec != std::errc() || year < 1990 || year > 9999) return std::nullopt;
    return year;
}

int this_year() {
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    return static_cast<int>(std::chrono::year_month_day(today).year());
}

}  // namespace

std::vector<Finding> check_config(const Patient& patient) {
    if (!patient.config_error.empty()) {
        return {Finding::error(
            patient.config_error,
            fmt::format("tranter config check {}", one_line(patient.config_file))
        )};
    }
    std::vector<Finding> findings;
    if (patient.config_file.empty()) {
        findings.push_back(Finding::fine("no file, the defaults count; --config FILE names one"));
    }
    for (const auto& check : {check_exposure, check_durability}) {
        if (const auto done = check(patient.config); !done) {
            findings.push_back(Finding::error(done.error().message(), "change the configuration"));
        }
    }
    for (const std::string& notice : patient.notices)
        findings.push_back(Finding::warning(notice, "remove what has no effect"));
    if (findings.empty()) findings.push_back(Finding::fine("the file is good"));
    return findings;
}

std::vector<Finding> check_limits(const Patient& patient) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {Finding::fine("the limits are not known")};
    // serve and work raise theirs to the hard limit.
    const std::uint64_t files = limit.rlim_max;
    const std::uint64_t wanted = patient.config.max_connections + files_reserve;
    if (files < files_min) {
        return {Finding::error(
            fmt::format("a process may open {} files, it needs {}", files, files_min),
            fmt::format("ulimit -Hn {}; LimitNOFILE={} in a systemd unit", wanted, wanted)
        )};
    }
    if (files < wanted) {
        return {Finding::warning(
            fmt::format(
                "a process may open {} files, fewer than server.max_connections, which is {}",
                files,
                patient.config.max_connections
            ),
            fmt::format("ulimit -Hn {}; LimitNOFILE={} in a systemd unit", wanted, wanted)
        )};
    }
    return {Finding::fine(fmt::format("a process may open {} files", files))};
}

std::vector<Finding> check_zones(const Patient& patient) {
    (void)patient;
    schedule::ZoneDirectory zones;
    const std::string path = schedule::ZoneDirectory::system_path().string();
    if (const auto zone = zones.find("America/New_York"); !zone) {
        return {Finding::error(
            fmt::format("{} has no time zones: {}", one_line(path), zone.error().message()),
            "apt-get install tzdata"
        )};
    }
    const std::string version = zones.version();
    const auto year = year_of(version);
    if (!year) {
        return {Finding::warning(
            fmt::format("{} does not say of which version its time zones are", one_line(path)),
            "apt-get install --reinstall tzdata"
        )};
    }
    if (*year + 1 < this_year()) {
        return {Finding::warning(
            fmt::format("the time zones are of version {}, rules have changed since", version),
            "apt-get install --only-upgrade tzdata"
        )};
    }
    return {Finding::fine(fmt::format("the time zones are of version {}", version))};
}

std::vector<Finding> check_data(const Patient& patient) {
    const std::string& data = patient.config.data;
    if (data.empty()) return {Finding::fine("no data directory, what a server holds ends with it")};
    struct stat entry {};
    if (::stat(data.c_str(), &entry) != 0) {
        if (errno == ENOENT) {
            return {Finding::warning(
                fmt::format("{} does not exist yet", one_line(data)),
                fmt::format("tranter serve --data {} makes it", one_line(data))
            )};
        }
        return {Finding::error(
            fmt::format("{}: {}", one_line(data), std::strerror(errno)),
            fmt::format("ls -ld {}", one_line(data))
        )};
    }
    std::vector<Finding> findings;
    // Payloads are in it.
    if (auto problem = problem_of_mode(data, entry, 0007)) findings.push_back(std::move(*problem));
    if (S_ISDIR(entry.st_mode)) {
        findings.push_back(judge_sync(data));
        findings.push_back(judge_space(data));
    }
    return findings;
}

std::vector<Finding> check_home(const Patient& patient) {
    if (patient.home.empty()) {
        return {Finding::warning(
            "neither TRANTER_HOME nor HOME is set, so `tranter up` has no place for its state",
            "export TRANTER_HOME=DIR"
        )};
    }
    struct stat entry {};
    if (::stat(patient.home.c_str(), &entry) != 0) {
        if (errno == ENOENT) {
            return {
                Finding::fine(fmt::format("{} is made by `tranter up`", one_line(patient.home)))};
        }
        return {Finding::error(
            fmt::format("{}: {}", one_line(patient.home), std::strerror(errno)),
            fmt::format("ls -ld {}", one_line(patient.home))
        )};
    }
    // Who may write here decides what runs.
    if (auto problem = problem_of_mode(patient.home, entry, 0022)) return {std::move(*problem)};
    if (entry.st_uid != ::geteuid()) {
        return {Finding::warning(
            fmt::format("{} belongs to user {}", one_line(patient.home), entry.st_uid),
            "set TRANTER_HOME to a directory of your own"
        )};
    }
    return {Finding::fine(fmt::format("{} is well", one_line(patient.home)))};
}

}  // namespace tranter::cli
