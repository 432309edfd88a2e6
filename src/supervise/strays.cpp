#include "supervise/strays.hpp"

#include "process/orphans.hpp"
#include "process/running_groups.hpp"

#include <sys/wait.h>

#include <algorithm>

namespace tranter::supervise {
namespace {

bool is_stray(pid_t pid, const IsKeeper& is_keeper) {
    return !is_keeper(pid) && !process::leads_running_group(pid);
}

}  // namespace

void reap_strays(const IsKeeper& is_keeper) {
    for (const pid_t pid : process::list_zombies()) {
        if (is_stray(pid, is_keeper)) ::waitpid(pid, nullptr, WNOHANG);
    }
}

bool kill_strays(const IsKeeper& is_keeper) {
    const auto is_foreign = [&](pid_t pid) {
        return is_stray(pid, is_keeper);
    };
    process::kill_orphans(is_foreign);
    reap_strays(is_keeper);
    return std::ranges::none_of(process::list_children(), is_foreign);
}

}  // namespace tranter::supervise
