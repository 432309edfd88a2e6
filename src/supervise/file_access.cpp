#include "supervise/file_access.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace tranter::supervise {
namespace {

/// Root may do anything anyway.
bool is_changed_by_us_alone(const struct stat& folder) {
    if (folder.st_uid != 0 && folder.st_uid != ::geteuid()) return false;
    const bool is_of_root_group = folder.st_gid == 0;
    return (folder.st_mode & S_IWOTH) == 0 && ((folder.st_mode & S_IWGRP) == 0 || is_of_root_group);
}

/// Others may make something in it, but not move what is ours, as in /tmp.
bool is_safe_to_pass(const struct stat& folder) {
    return folder.st_uid == 0 && (folder.st_mode & S_ISVTX) != 0;
}

/// A folder of which every part is ours, and no part is a link, or that could be made in such a
/// one.
bool is_ours_alone(const std::filesystem::path& folder) {
    if (!folder.is_absolute()) return false;
    constexpr int look = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Descriptor at(::open("/", look));
    bool is_ours = true;
    for (const auto& part : folder.relative_path()) {
        if (part.empty()) continue;
        at = Descriptor(::openat(at.get(), part.c_str(), look));
        if (!at) return errno == ENOENT && is_ours;
        struct stat info {};
        if (::fstat(at.get(), &info) != 0) return false;
        is_ours = is_changed_by_us_alone(info);
        if (!is_ours && !is_safe_to_pass(info)) return false;
    }
    return is_ours;
}

bool is_null_device(const struct stat& info) {
    constexpr unsigned memory_major = 1;
    constexpr unsigned null_minor = 3;
    return S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(memory_major, null_minor);
}

std::string_view kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return "a folder";
        case S_IFIFO:
            return "a pipe";
        case S_IFSOCK:
            return "a socket";
        case S_IFLNK:
            return "a link, and is not followed for another user";
        default:
            return "a device";
    }
}

std::unexpected<Error> no_regular_file(const std::string& path, mode_t mode) {
    return fail(
        Errc::unavailable,
        path + " is " + std::string(kind_of(mode)) + ", it has to be a regular file"
    );
}

}  // namespace

Result<std::optional<process::Identity>> FileAccess::find_owner(const FileOwner& owner) {
    if (owner.user.empty() && owner.group.empty()) return std::nullopt;
    auto found = process::find_identity(owner.user, owner.group);
    if (!found) return std::unexpected(std::move(found.error()));
    if (found->user == ::geteuid() && found->group == ::getegid()) return std::nullopt;
    return std::optional(std::move(*found));
}

Result<FileAccess> FileAccess::to(
    const std::string& path, const std::optional<process::Identity>& owner
) {
    FileAccess out;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (owner) {
        out.follows_links_ = false;
        if (!is_ours_alone(folder)) {
            out.rights_ = std::make_unique<process::FileRights>(*owner);
            if (!out.rights_->has_worked()) {
                return fail(
                    Errc::permission_denied,
                    path + " cannot be reached as user " + std::to_string(owner->user) +
                        ", only root may do that"
                );
            }
            out.acts_for_ = owner;
        }
    }
    std::error_code ignored;  // whoever opens the file is told
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
    return out;
}

std::string FileAccess::done_as(std::string_view what) const {
    std::string out(what);
    if (acts_for_) out += " as user " + std::to_string(acts_for_->user);
    return out;
}

Result<Descriptor> FileAccess::open(const std::string& path, int flags, mode_t mode) const {
    flags |= O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (!follows_links_) flags |= O_NOFOLLOW;
    Descriptor file(::open(path.c_str(), flags, mode));
    const int error = errno;
    struct stat info {};
    if (!file) {
        // Of a pipe without a reader, a socket or a link the kernel says less than we know.
        const bool is_there = ::lstat(path.c_str(), &info) == 0;
        const bool is_odd = is_there && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode);
        if (is_odd || (is_there && error == ELOOP)) return no_regular_file(path, info.st_mode);
        return fail(
            Errc::unavailable,
            path + " cannot be " + done_as("opened") + ": " + std::strerror(error)
        );
    }
    if (::fstat(file.get(), &info) != 0 || (!S_ISREG(info.st_mode) && !is_null_device(info)))
        return no_regular_file(path, info.st_mode);
    return file;
}

bool is_no_file(std::string_view path) {
    constexpr auto names = std::to_array<std::string_view>(
        {"/dev/null",
         "/dev/stdout",
         "/dev/stderr",
         "/dev/fd/1",
         "/dev/fd/2",
         "/proc/self/fd/1",
         "/proc/self/fd/2",
         "/proc/1/fd/1",
         "/proc/1/fd/2"}
    );
    return std::ranges::find(names, path) != names.end();
}

}  // namespace tranter::supervise
