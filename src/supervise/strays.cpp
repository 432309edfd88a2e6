#include "supervise/strays.hpp"

#include "process/orphans.hpp"
#include "process/running_groups.hpp"
#include "supervise/descendants.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace tranter::supervise {
namespace {

bool is_stray(pid_t pid, const IsKeeper& is_keeper) {
    return !is_keeper(pid) && !process::leads_running_group(pid);
}

}  // namespace

void reap_strays(const IsKeeper& is_keeper) {
    for (const pid_t pid : children_of(::getpid())) {
        if (is_stray(pid, is_keeper)) ::waitpid(pid, nullptr, WNOHANG);
    }
}

bool kill_strays(const IsKeeper& is_keeper) {
    const auto is_foreign = [&](pid_t pid) {
        return is_stray(pid, is_keeper);
    };
    process::kill_orphans(is_foreign);
    reap_strays(is_keeper);
    return std::ranges::none_of(children_of(::getpid()), is_foreign);
}

}  // namespace tranter::supervise
