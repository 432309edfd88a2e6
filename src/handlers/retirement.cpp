#include "handlers/retirement.hpp"

#include "base/log.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <utility>

namespace tranter::handlers {

Retirement::Retirement(Duration grace) : half_(grace / 2), thread_([this] { run(); }) {}

Retirement::~Retirement() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    woken_.wake();
    thread_.join();
}

void Retirement::add(process::Child child, std::unique_ptr<OrphanWatch::Watched> watched) {
    {
        const std::lock_guard lock(mutex_);
        added_.push_back(
            {.child = std::move(child),
             .watched = std::move(watched),
             .next = std::chrono::steady_clock::now() + half_}
        );
    }
    woken_.wake();
}

void Retirement::run() {
    std::vector<Retired> retired;
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            std::ranges::move(added_, std::back_inserter(retired));
            added_.clear();
            if (ending_ && retired.empty()) return;
        }
        wait_for_more(retired);
        for (Retired& one : retired)
            tell(one);
        std::erase_if(retired, [](Retired& one) { return one.child.poll().has_value(); });
    }
}

void Retirement::wait_for_more(const std::vector<Retired>& retired) const {
    std::vector<pollfd> waits{{.fd = woken_.get(), .events = POLLIN, .revents = 0}};
    Moment next = Moment::max();
    for (const Retired& one : retired) {
        waits.push_back({.fd = one.child.pidfd(), .events = POLLIN, .revents = 0});
        next = std::min(next, one.next);
    }
    int millis = -1;
    if (next != Moment::max()) {
        const auto left = next - std::chrono::steady_clock::now();
        const auto count = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        millis = static_cast<int>(std::clamp<std::int64_t>(count, 0, 3'600'000));
    }
    ::poll(waits.data(), waits.size(), millis);
    woken_.clear();
}

/// What its time has come for. Its group, while it is not waited for and so still its own, goes
/// with it.
void Retirement::tell(Retired& retired) const {
    pollfd ended{.fd = retired.child.pidfd(), .events = POLLIN, .revents = 0};
    if (::poll(&ended, 1, 0) > 0) {
        retired.child.signal_group(SIGKILL);
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now < retired.next) return;
    if (!retired.was_told) {
        retired.child.signal_group(SIGTERM);
        retired.was_told = true;
        retired.next = now + half_;
        return;
    }
    log_warn("worker", "handler process killed, it did not end", {{"pid", retired.child.pid()}});
    retired.child.signal_group(SIGKILL);
    retired.next = Moment::max();
}

}  // namespace tranter::handlers
