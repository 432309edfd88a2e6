#include "worker/queue_watch.hpp"

#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"

#include <utility>

namespace tranter::worker {

void QueueWatch::missing(const std::string& queue, const Error& error) {
    std::string text = one_line(without_secrets(error.message()));
    {
        const std::lock_guard lock(mutex_);
        const auto [entry, is_new] = missing_.insert_or_assign(queue, std::move(text));
        if (!is_new) return;
        count_ = missing_.size();
    }
    log_warn(
        "worker",
        "a queue does not exist, the worker will go on asking for it",
        {{"queue", queue}, {"error", error.message()}}
    );
}

void QueueWatch::say_it_exists(const std::string& queue) {
    {
        const std::lock_guard lock(mutex_);
        if (missing_.erase(queue) == 0) return;
        count_ = missing_.size();
    }
    log_info("worker", "the queue exists now", {{"queue", queue}});
}

std::vector<std::string> QueueWatch::all_missing() const {
    std::vector<std::string> all;
    const std::lock_guard lock(mutex_);
    for (const auto& [queue, text] : missing_)
        all.push_back(text);
    return all;
}

}  // namespace tranter::worker
