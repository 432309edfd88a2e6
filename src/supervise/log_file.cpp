#include "supervise/log_file.hpp"

#include "base/log.hpp"
#include "process/run.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace tranter::supervise {
namespace {

std::unexpected<Error> failed_file(const std::string& path, std::string_view what) {
    const int error = errno;
    return fail(
        Errc::unavailable, path + " cannot be " + std::string(what) + ": " + std::strerror(error)
    );
}

constexpr std::string_view plain;
constexpr std::string_view compressed = ".gz";

void remove_both(std::string path) {
    ::unlink(path.c_str());
    path += compressed;
    ::unlink(path.c_str());
}

}  // namespace

Result<> LogFile::append(std::string_view lines, Instant now) {
    if (!file_) {
        if (auto opened = open(now); !opened) return opened;
    }
    if (is_due(lines.size(), now)) {
        const auto rotated = rotate();
        if (auto opened = open(now); !opened) return opened;
        if (!rotated) put_rotation_off(rotated.error(), now);
    }
    while (!lines.empty()) {
        const ssize_t put = ::write(file_.get(), lines.data(), lines.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return failed_file(options_.path, "written");
        lines.remove_prefix(static_cast<std::size_t>(put));
        bytes_ += static_cast<std::uint64_t>(put);
    }
    return {};
}

bool LogFile::is_due(std::size_t more_bytes, Instant now) const {
    if (bytes_ == 0 || !is_regular_) return false;
    if (options_.bytes_max > 0 && bytes_ + more_bytes > options_.bytes_max) return true;
    return options_.age_max > Duration{} && now - begun_at_ >= options_.age_max;
}

Result<> LogFile::open(Instant now) {
    const std::filesystem::path folder = std::filesystem::path(options_.path).parent_path();
    std::error_code ignored;  // open() says what is wrong
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
    constexpr mode_t readable = 0640;
    file_ = Descriptor(
        ::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, readable)
    );
    struct stat info {};
    if (!file_ || ::fstat(file_.get(), &info) != 0) return failed_file(options_.path, "opened");
    is_regular_ = S_ISREG(info.st_mode);
    bytes_ = static_cast<std::uint64_t>(info.st_size);
    // Of one that was there before nobody knows when it was begun, only when it was written to.
    begun_at_ = now;
    if (bytes_ > 0) begun_at_ = Instant(std::chrono::seconds(info.st_mtim.tv_sec));
    return {};
}

/// A file that is too large is better than none. It is tried again when as much has come once more.
void LogFile::put_rotation_off(const Error& error, Instant now) {
    bytes_ = 0;
    begun_at_ = now;
    log_warn(
        "supervise", "a log is not rotated", {{"path", options_.path}, {"reason", error.message()}}
    );
}

std::string LogFile::rotated(std::uint32_t number) const {
    return number == 0 ? options_.path : options_.path + "." + std::to_string(number);
}

Result<> LogFile::rotate() {
    file_.reset();
    if (options_.files_max == 0) {
        if (::unlink(options_.path.c_str()) != 0) return failed_file(options_.path, "removed");
        return {};
    }
    remove_both(rotated(options_.files_max));
    for (std::uint32_t number = options_.files_max; number > 0; --number) {
        for (const std::string_view ending : {plain, compressed}) {
            // The file itself is never compressed, whatever stands beside it.
            if (number == 1 && ending == compressed) continue;
            const std::string from = rotated(number - 1).append(ending);
            const std::string to = rotated(number).append(ending);
            if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
                return failed_file(from, "renamed");
            }
        }
    }
    if (options_.compress) compress(rotated(1));
    return {};
}

void LogFile::compress(const std::string& path) const {
    process::RunOptions gzip;
    gzip.program.command = {"gzip", "-f", "--", path};
    const auto done = process::run(gzip);
    if (done && done->exit.code == 0 && done->exit.signal == 0) return;
    log_warn(
        "supervise",
        "a log is not compressed",
        {{"path", path}, {"reason", done ? "gzip has failed" : done.error().message()}}
    );
}

Result<> LogFile::flush() {
    file_.reset();
    for (std::uint32_t number = 1; number <= options_.files_max; ++number)
        remove_both(rotated(number));
    if (::truncate(options_.path.c_str(), 0) != 0 && errno != ENOENT) {
        return failed_file(options_.path, "emptied");
    }
    return {};
}

}  // namespace tranter::supervise
