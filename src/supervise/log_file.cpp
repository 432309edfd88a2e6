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
#include <string_view>
#include <utility>

namespace tranter::supervise {
namespace {

std::unexpected<Error> failed_file(const std::string& path, std::string_view what) {
    const int error = errno;
    return fail(
        Errc::unavailable, path + " cannot be " + std::string(what) + ": " + std::strerror(error)
    );
}

void warn_not_compressed(const std::string& path, const std::string& reason) {
    log_warn("supervise", "a log is not compressed", {{"path", path}, {"reason", reason}});
}

constexpr std::string_view plain;
constexpr std::string_view compressed = ".gz";

void remove_both(std::string path) {
    ::unlink(path.c_str());
    path += compressed;
    ::unlink(path.c_str());
}

}  // namespace

Result<> LogFile::append(std::string_view lines, Instant now, std::stop_token stop) {
    if (!file_ || is_due(lines.size(), now)) {
        if (auto ready = make_ready(lines.size(), now); !ready) return ready;
    }
    Result<> done;
    while (!lines.empty() && done) {
        const ssize_t put = ::write(file_.get(), lines.data(), lines.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            done = failed_file(options_.path, "written");
            break;
        }
        lines.remove_prefix(static_cast<std::size_t>(put));
        bytes_ += static_cast<std::uint64_t>(put);
    }
    if (std::exchange(must_compress_, false)) compress(rotated(1), std::move(stop));
    return done;
}

Result<FileAccess> LogFile::access() {
    if (!owner_) {
        auto found = FileAccess::find_owner(options_.owner);
        if (!found) {
            return fail(
                Errc::unavailable, options_.path + " cannot be opened: " + found.error().message()
            );
        }
        owner_ = std::move(*found);
    }
    return FileAccess::to(options_.path, *owner_);
}

/// Opened, and rotated when it is due.
Result<> LogFile::make_ready(std::size_t more_bytes, Instant now) {
    const auto access = this->access();
    if (!access) return std::unexpected(access.error());
    if (!file_) {
        if (auto opened = open(*access, now); !opened) return opened;
    }
    if (!is_due(more_bytes, now)) return {};
    const auto rotated = rotate(*access);
    if (auto opened = open(*access, now); !opened) return opened;
    if (!rotated) put_rotation_off(rotated.error(), now);
    must_compress_ = rotated.has_value() && options_.compress && options_.files_max > 0;
    return {};
}

bool LogFile::is_due(std::size_t more_bytes, Instant now) const {
    if (bytes_ == 0 || !is_regular_) return false;
    if (options_.bytes_max > 0 && bytes_ + more_bytes > options_.bytes_max) return true;
    return options_.age_max > Duration{} && now - begun_at_ >= options_.age_max;
}

Result<> LogFile::open(const FileAccess& access, Instant now) {
    constexpr mode_t readable = 0640;
    auto opened = access.open(options_.path, O_WRONLY | O_APPEND | O_CREAT, readable);
    if (!opened) return std::unexpected(std::move(opened.error()));
    file_ = std::move(*opened);
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0) return failed_file(options_.path, "looked at");
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

Result<> LogFile::rotate(const FileAccess& access) {
    file_.reset();
    if (options_.files_max == 0) {
        if (::unlink(options_.path.c_str()) != 0)
            return failed_file(options_.path, access.done_as("removed"));
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
                return failed_file(from, access.done_as("renamed"));
            }
        }
    }
    return {};
}

/// By a program, which can be killed, and has no more rights than whoever may change the folder.
void LogFile::compress(const std::string& path, std::stop_token stop) {
    if (stop.stop_requested()) return;
    process::RunOptions run;
    run.program.command = options_.compressor;
    run.program.command.push_back(path);
    run.timeout = options_.compress_limit;
    run.grace = std::chrono::milliseconds(200);
    run.stop = std::move(stop);
    {
        const auto folder = access();
        if (!folder) return warn_not_compressed(path, folder.error().message());
        run.program.identity = folder->acts_for();
    }
    const auto done = process::run(run);
    using Ended = process::RunReport::Ended;
    const bool has_ended = done && done->ended == Ended::by_itself;
    if (has_ended && done->exit.code == 0 && done->exit.signal == 0) return;
    // What there is of it would be taken for the whole.
    if (const auto folder = access(); folder && ::access(path.c_str(), F_OK) == 0)
        ::unlink(std::string(path).append(compressed).c_str());
    // Somebody else goes on with it as it is.
    if (done && done->ended == Ended::stopped) return;
    warn_not_compressed(
        path,
        !done       ? done.error().message()
        : has_ended ? options_.compressor.front() + " has failed"
                    : options_.compressor.front() + " has taken too long"
    );
}

Result<> LogFile::flush() {
    file_.reset();
    const auto access = this->access();
    if (!access) return std::unexpected(access.error());
    for (std::uint32_t number = 1; number <= options_.files_max; ++number)
        remove_both(rotated(number));
    struct stat info {};
    if (::lstat(options_.path.c_str(), &info) != 0 && errno == ENOENT) return {};
    const auto file = access->open(options_.path, O_WRONLY);
    if (!file) return std::unexpected(file.error());
    if (::fstat(file->get(), &info) == 0 && !S_ISREG(info.st_mode)) return {};
    if (::ftruncate(file->get(), 0) != 0) return failed_file(options_.path, "emptied");
    return {};
}

}  // namespace tranter::supervise
