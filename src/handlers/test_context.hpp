#pragma once

#include "base/descriptor.hpp"

#include <tranter/context.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace tranter::handlers::test {

/// A job, and a worker that remembers what its handler said.
class TestRun final : public ContextHost {
  public:
    explicit TestRun(std::string payload = R"({"n":1})", std::string type = "test") {
        job_.id = "7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e";
        job_.queue = "work";
        job_.type = std::move(type);
        job_.payload = std::move(payload);
    }

    ReceivedJob& job() { return job_; }
    Context& context() { return context_; }

    void request_stop(StopReason reason) {
        reason_ = reason;
        source_.request_stop();
    }

    std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::string progress() const {
        const std::lock_guard lock(mutex_);
        return progress_;
    }
    /// Called with each line.
    std::function<void(const std::string&)> on_line{};
    bool can_save = true;

    StopReason stop_reason() const override { return reason_; }
    void log(std::string line) override {
        {
            const std::lock_guard lock(mutex_);
            lines_.push_back(line);
        }
        if (on_line) on_line(line);
    }
    void set_progress(std::string json) override {
        const std::lock_guard lock(mutex_);
        progress_ = std::move(json);
    }
    std::optional<std::string> find_step(std::string_view name) override {
        for (const Step& step : job_.steps) {
            if (step.name == name) return step.result;
        }
        return std::nullopt;
    }
    Result<> save_step(Step step) override {
        if (!can_save) return fail(Errc::conflict, "the lease is over");
        job_.steps.push_back(std::move(step));
        return {};
    }

  private:
    ReceivedJob job_{};
    std::stop_source source_{};
    StopReason reason_ = StopReason::none;
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    std::string progress_;
    Context context_{job_, 1, source_.get_token(), *this};
};

/// Whether a process is gone or about to be, for which a busy machine may need a while.
inline bool has_ended(pid_t pid) {
    const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    constexpr int patience_millis = 30'000;
    return !handle || ::poll(&ended, 1, patience_millis) > 0;
}

/// The environment of a worker in tests.
inline const char* test_getenv(const std::string& name) {
    static const std::map<std::string, std::string> variables{
        {"PATH", "/usr/local/bin:/usr/bin:/bin"},
        {"AWS_SECRET_ACCESS_KEY", "hidden"},
        {"DATABASE_URL", "postgres://user:hidden@host/db"},
        {"ALLOWED", "yes"}};
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
}

}  // namespace tranter::handlers::test
