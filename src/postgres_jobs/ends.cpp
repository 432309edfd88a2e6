#include "postgres_jobs/ends.hpp"

namespace tranter::postgres_jobs {

Ends::Ends(Notifications& notifications) : notifications_(notifications) {
    notifications_.set_handler(
        Channel::ends,
        {.heard = [this](std::string_view payload) { tell(payload); },
         .listens =
             [this] {
                 tell("");
             }}
    );
}

bool Ends::is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

/// Without a job: all of them.
void Ends::tell(std::string_view job) {
    const std::lock_guard lock(mutex_);
    for (Wait* wait : waits_) {
        if (!job.empty() && wait->job_ != job) continue;
        wait->told_ = true;
        wait->changed_.notify_all();
    }
}

void Ends::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    tell("");
}

Ends::Wait::Wait(Ends& ends, std::string_view job) : ends_(ends), job_(job) {
    ends.notifications_.use(Channel::ends);
    const std::lock_guard lock(ends.mutex_);
    ends.waits_.insert(this);
}

Ends::Wait::~Wait() {
    const std::lock_guard lock(ends_.mutex_);
    ends_.waits_.erase(this);
}

void Ends::Wait::sleep(Clock::time_point until) {
    std::unique_lock lock(ends_.mutex_);
    changed_.wait_until(lock, until, [this] { return told_ || ends_.closed_; });
    told_ = false;
}

}  // namespace tranter::postgres_jobs
