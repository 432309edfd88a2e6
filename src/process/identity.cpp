#include "process/identity.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>

namespace tranter::process {
namespace {

/// Enough for the longest entry that makes sense; what needs more is told as an error.
constexpr std::size_t entry_bytes_max = std::size_t{1} << 16;

std::optional<std::uint32_t> number_in(const std::string& text) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data(), end, number);
    if (text.empty() || failed != std::errc{} || rest != end) return std::nullopt;
    // The last number means "no change" to the kernel.
    if (number == UINT32_MAX) return std::nullopt;
    return number;
}

std::unexpected<Error> cannot_look_up(const std::string& what, int error) {
    return fail(Errc::unavailable, what + " cannot be looked up: " + std::strerror(error));
}

/// False when the list of users has none.
Result<bool> fill_user(const std::string& wanted, Identity& out) {
    std::vector<char> bytes(entry_bytes_max);
    passwd entry{};
    passwd* found = nullptr;
    const auto number = number_in(wanted);
    const int error =
        number ? ::getpwuid_r(*number, &entry, bytes.data(), bytes.size(), &found)
               : ::getpwnam_r(wanted.c_str(), &entry, bytes.data(), bytes.size(), &found);
    if (error != 0) return cannot_look_up("user " + wanted, error);
    if (found == nullptr) {
        if (!number) return fail(Errc::not_found, "there is no user " + wanted);
        out.user = *number;
        return false;
    }
    out.user = entry.pw_uid;
    out.group = entry.pw_gid;
    out.name = entry.pw_name;
    out.home = entry.pw_dir;
    out.shell = entry.pw_shell;
    return true;
}

Result<gid_t> find_group(const std::string& wanted) {
    if (const auto number = number_in(wanted)) return *number;
    std::vector<char> bytes(entry_bytes_max);
    group entry{};
    group* found = nullptr;
    const int error = ::getgrnam_r(wanted.c_str(), &entry, bytes.data(), bytes.size(), &found);
    if (error != 0) return cannot_look_up("group " + wanted, error);
    if (found == nullptr) return fail(Errc::not_found, "there is no group " + wanted);
    return entry.gr_gid;
}

std::vector<gid_t> groups_of(const Identity& who) {
    if (who.name.empty()) return {who.group};
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    while (::getgrouplist(who.name.c_str(), who.group, groups.data(), &count) < 0)
        groups.resize(static_cast<std::size_t>(count));
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

}  // namespace

Result<Identity> find_identity(const std::string& user, const std::string& group) {
    Identity out;
    const std::string wanted = user.empty() ? std::to_string(::geteuid()) : user;
    const auto is_listed = fill_user(wanted, out);
    if (!is_listed) return std::unexpected(is_listed.error());
    if (!group.empty()) {
        const auto found = find_group(group);
        if (!found) return std::unexpected(found.error());
        out.group = *found;
    } else if (!*is_listed && user.empty()) {
        out.group = ::getegid();
    } else if (!*is_listed) {
        return fail(
            Errc::invalid_argument,
            "user " + user + " is not in the list of users, so it needs a group"
        );
    }
    out.groups = groups_of(out);
    return out;
}

}  // namespace tranter::process
