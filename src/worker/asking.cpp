#include "worker/asking.hpp"

#include <utility>

namespace tranter::worker {

Asking::Asking(std::vector<unsigned> weights, QueueOrder order)
    : turns_(std::move(weights), order), receivers_(turns_.size()) {
    // It shares with nobody, so it always waits at the store.
    if (receivers_.size() == 1) receivers_.front().has_more = false;
}

std::optional<Grant> Asking::take(std::size_t queue) {
    Receiver& receiver = receivers_[queue];
    if (receiver.granted == 0) return std::nullopt;
    receiver.wants = false;
    receiver.asked = std::exchange(receiver.granted, 0);
    return Grant{.jobs = receiver.asked, .may_wait = !receiver.has_more};
}

void Asking::answered(std::size_t queue, std::size_t jobs) {
    Receiver& receiver = receivers_[queue];
    receiver.kept = 0;
    receiver.has_more = receivers_.size() > 1 && jobs > 0 && jobs >= receiver.asked;
    receiver.asked = 0;
}

std::size_t Asking::kept() const {
    std::size_t kept = 0;
    for (const Receiver& receiver : receivers_)
        kept += receiver.kept;
    return kept;
}

}  // namespace tranter::worker
