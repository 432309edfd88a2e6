#include "worker/tally.hpp"

#include "base/log.hpp"

#include <array>
#include <cstddef>
#include <variant>

namespace tranter::worker {

void Tally::add(const ReceivedJob& job, const AttemptOutcome& outcome) {
    // In the order of the variant.
    static constexpr std::array<std::uint64_t WorkerCounts::*, std::variant_size_v<AttemptOutcome>>
        count_of_each{
            &WorkerCounts::completed,
            &WorkerCounts::failed,
            &WorkerCounts::released,
            &WorkerCounts::snoozed,
            &WorkerCounts::dead,
            &WorkerCounts::cancelled};
    const bool was_last =
        std::holds_alternative<Failed>(outcome) && job.attempt >= job.options.retry.max_attempts;
    const auto count = was_last ? &WorkerCounts::dead : count_of_each[outcome.index()];
    const std::lock_guard lock(mutex_);
    ++(counts_.*count);
}

void Tally::add_lost() {
    const std::lock_guard lock(mutex_);
    ++counts_.lost;
}

WorkerCounts Tally::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

void StoreWatch::failed(std::string_view call, const Error& error) {
    if (silent_.exchange(true)) return;
    log_warn(
        "worker",
        "the store does not answer, the worker will go on trying",
        {{"call", call}, {"error", error.message()}}
    );
}

void StoreWatch::say_it_answers() {
    if (silent_.exchange(false)) log_info("worker", "the store answers again");
}

bool is_temporary(const Error& error) {
    switch (error.code()) {
        case Errc::not_found:
        case Errc::invalid_argument:
        case Errc::already_exists:
        case Errc::conflict:
        case Errc::limit_exceeded:
        case Errc::unsupported:
            return false;
        default:
            return true;
    }
}

}  // namespace tranter::worker
