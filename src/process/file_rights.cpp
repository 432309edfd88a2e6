#include "process/file_rights.hpp"

#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tranter::process {
namespace {

/// Not a user, so nothing is changed, and the answer is who it is.
constexpr auto nobody_else = static_cast<uid_t>(-1);

uid_t user_of_thread() {
    return static_cast<uid_t>(::setfsuid(nobody_else));
}

gid_t group_of_thread() {
    return static_cast<gid_t>(::setfsgid(nobody_else));
}

/// By the system call: the function of the C library tells all threads.
bool set_groups_of_thread(const std::vector<gid_t>& groups) {
    return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

std::vector<gid_t> groups_of_thread() {
    std::vector<gid_t> out(static_cast<std::size_t>(::getgroups(0, nullptr)));
    out.resize(static_cast<std::size_t>(::getgroups(static_cast<int>(out.size()), out.data())));
    return out;
}

/// Whether the memory may be dumped, which the kernel forbids whenever somebody changes. Asked for
/// once, before any thread does.
int may_be_dumped() {
    static const int before = ::prctl(PR_GET_DUMPABLE);
    return before;
}

}  // namespace

FileRights::FileRights(const Identity& who)
    : groups_(groups_of_thread()), user_(user_of_thread()), group_(group_of_thread()) {
    may_be_dumped();
    if (!set_groups_of_thread(who.groups)) return;
    ::setfsgid(who.group);
    ::setfsuid(who.user);
    has_worked_ = user_of_thread() == who.user && group_of_thread() == who.group;
    if (!has_worked_) restore();
}

FileRights::~FileRights() {
    if (has_worked_) restore();
}

void FileRights::restore() const {
    ::setfsuid(user_);
    ::setfsgid(group_);
    set_groups_of_thread(groups_);
    constexpr int yes = 1;  // the only value that may be set
    if (may_be_dumped() == yes) ::prctl(PR_SET_DUMPABLE, yes);
}

}  // namespace tranter::process
