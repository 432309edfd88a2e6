#include "supervise/file_access.hpp"

#include <climits>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace tranter::supervise {
namespace {

/// Root may do anything anyway; not so whoever is of its group, or in an access list, whose mask
/// stands where the rights of the group do.
bool is_changed_by_us_alone(const struct stat& folder) {
    if (folder.st_uid != 0 && folder.st_uid != ::geteuid()) return false;
    return (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// Others may make something in it, but not move what is ours, as in /tmp.
bool is_safe_to_pass(const struct stat& folder) {
    return folder.st_uid == 0 && (folder.st_mode & S_ISVTX) != 0;
}

/// Where a link leads to. Empty: it is none.
std::filesystem::path target_of(int folder, const std::filesystem::path& link) {
    std::array<char, PATH_MAX> text{};
    const ssize_t size = ::readlinkat(folder, link.c_str(), text.data(), text.size());
    if (size <= 0) return {};
    return std::string_view(text.data(), static_cast<std::size_t>(size));
}

/// A folder of which every part is ours, or that could be made in such a one. Links are followed as
/// the kernel does it, but only those in such a folder: nobody else can make them, or change them.
bool is_ours_alone(const std::filesystem::path& folder) {
    if (!folder.is_absolute()) return false;
    constexpr int look = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    constexpr int links_max = 40;
    Descriptor at(::open("/", look));
    bool is_ours = true;
    int links = 0;
    const auto relative = folder.relative_path();
    std::deque<std::filesystem::path> left(relative.begin(), relative.end());
    while (!left.empty()) {
        const auto part = std::move(left.front());
        left.pop_front();
        if (part.empty()) continue;
        Descriptor next(::openat(at.get(), part.c_str(), look));
        if (!next) {
            if (errno == ENOENT) return is_ours;
            if (!is_ours || ++links > links_max) return false;
            const auto target = target_of(at.get(), part);
            if (target.empty()) return false;
            if (target.is_absolute()) at = Descriptor(::open("/", look));
            const auto parts = target.relative_path();
            left.insert(left.begin(), parts.begin(), parts.end());
            continue;
        }
        at = std::move(next);
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
