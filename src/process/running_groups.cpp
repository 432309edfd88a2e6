#include "process/running_groups.hpp"

#include "base/sudden_end.hpp"

#include <array>
#include <csignal>

namespace tranter::process {
namespace {

/// Part of the table. A signal handler may look at any moment, so nothing is ever moved or freed.
struct Block {
    std::array<std::atomic<pid_t>, 256> leaders{};  // 0: free
    std::atomic<Block*> next = nullptr;
};
static_assert(std::atomic<pid_t>::is_always_lock_free);

Block first_block;

Block& block_after(Block& block) {
    Block* next = block.next;
    if (next != nullptr) return *next;
    auto* const made = new Block;
    if (block.next.compare_exchange_strong(next, made)) return *made;
    delete made;  // somebody was faster
    return *next;
}

}  // namespace

RunningGroup::RunningGroup(pid_t leader) {
    sudden_end = kill_running_groups;
    for (Block* block = &first_block; place_ == nullptr; block = &block_after(*block)) {
        for (std::atomic<pid_t>& place : block->leaders) {
            pid_t free = 0;
            if (place != 0 || !place.compare_exchange_strong(free, leader)) continue;
            place_ = &place;
            return;
        }
    }
}

bool leads_running_group(pid_t pid) {
    for (const Block* block = &first_block; block != nullptr; block = block->next) {
        for (const std::atomic<pid_t>& leader : block->leaders)
            if (leader == pid) return true;
    }
    return false;
}

void kill_running_groups() {
    for (const Block* block = &first_block; block != nullptr; block = block->next) {
        for (const std::atomic<pid_t>& leader : block->leaders) {
            const pid_t pid = leader;
            if (pid > 0) ::kill(-pid, SIGKILL);
        }
    }
}

}  // namespace tranter::process
