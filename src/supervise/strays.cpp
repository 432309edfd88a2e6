#include "supervise/strays.hpp"

#include "process/orphans.hpp"
#include "process/running_groups.hpp"
#include "supervise/descendants.hpp"
#include "supervise/keeper.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace tranter::supervise {
namespace {

bool is_stray(pid_t pid) {
    return !Keeper::is_keeper(pid) && !process::leads_running_group(pid);
}

}  // namespace

void reap_strays() {
    for (const pid_t pid : children_of(::getpid())) {
        if (is_stray(pid)) ::waitpid(pid, nullptr, WNOHANG);
    }
}

bool kill_strays() {
    process::kill_orphans(is_stray);
    reap_strays();
    return std::ranges::none_of(children_of(::getpid()), is_stray);
}

}  // namespace tranter::supervise
