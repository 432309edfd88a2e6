#pragma once

#include <tranter/provider.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter {

/// Does nothing; a test overrides what it needs.
class NoProvider : public Provider {
  public:
    std::string_view name() const override { return "none"; }
    const Capabilities& capabilities() const override { return can; }
    Result<std::vector<Enqueued>> enqueue(std::string_view, std::span<const NewJob>) override {
        return nothing();
    }
    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest&) override { return nothing(); }
    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement>) override {
        return nothing();
    }
    Result<std::vector<Result<Extended>>> extend(
        std::string_view, std::span<const std::string>, Milliseconds
    ) override {
        return nothing();
    }
    Result<> set_progress(std::string_view, std::string_view, std::string_view) override {
        return nothing();
    }
    Result<> append_log(std::string_view, std::string_view, std::span<const std::string>) override {
        return nothing();
    }
    Result<> save_step(std::string_view, std::string_view, const Step&) override {
        return nothing();
    }
    Result<JobRecord> find(std::string_view) override { return nothing(); }
    Result<LogPage> log_of(std::string_view) override { return nothing(); }
    Result<JobPage> list(const ListRequest&) override { return nothing(); }
    Result<Cancelled> cancel(std::string_view) override { return nothing(); }
    Result<> retry(std::string_view) override { return nothing(); }
    Result<> promote(std::string_view) override { return nothing(); }
    Result<> remove(std::string_view) override { return nothing(); }
    Result<JobRecord> wait(std::string_view, Milliseconds) override { return nothing(); }
    Result<std::vector<QueueStats>> queues() override { return nothing(); }
    Result<QueueStats> stats(std::string_view) override { return nothing(); }
    Result<std::vector<WorkerInfo>> workers() override { return nothing(); }
    Result<> set_paused(std::string_view, bool) override { return nothing(); }
    Result<> set_limits(std::string_view, const QueueLimits&) override { return nothing(); }
    Result<std::shared_ptr<void>> subscribe(Listener) override { return nothing(); }
    void close() override {}

    Capabilities can{.atomic_batch = true};

  private:
    static std::unexpected<Error> nothing() {
        return fail(Errc::unsupported, "this provider does nothing");
    }
};

/// Hands out jobs, and misbehaves as a test says. Time stands still but for leases, which never
/// end by themselves. Thread-safe.
class TestProvider final : public NoProvider {
  public:
    struct Ended {
        std::string id{};
        std::uint32_t attempt = 0;
        AttemptOutcome outcome{};
    };

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override {
        const std::lock_guard lock(mutex_);
        if (auto error = misfortune("enqueue")) return std::unexpected(*error);
        std::vector<Enqueued> out;
        for (const NewJob& job : jobs) {
            waiting_[std::string(queue)].push_back(
                {.id = job.id,
                 .queue = std::string(queue),
                 .type = job.type,
                 .payload = job.payload,
                 .attempt = 0,
                 .options = job.options}
            );
            out.push_back({.id = job.id});
        }
        changed_.notify_all();
        return out;
    }

    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override {
        std::unique_lock lock(mutex_);
        ++calls_["receive"];
        changed_.notify_all();
        if (auto error = misfortune("receive")) return std::unexpected(*error);
        auto& waiting = waiting_[request.queue];
        const auto has_jobs = [&] {
            return !waiting.empty();
        };
        changed_.wait_for(lock, request.stop, request.wait, has_jobs);
        std::vector<ReceivedJob> out;
        while (has_jobs() && out.size() < request.jobs_max) {
            ReceivedJob job = std::move(waiting.front());
            waiting.pop_front();
            ++job.attempt;
            job.receipt = job.id + "/" + std::to_string(++receipts_);
            out_.insert_or_assign(job.receipt, job);
            out.push_back(std::move(job));
        }
        largest_receive_ = std::max(largest_receive_, out.size());
        return out;
    }

    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement> settlements)
        override {
        const std::lock_guard lock(mutex_);
        ++calls_["settle"];
        changed_.notify_all();
        if (auto error = misfortune("settle")) return std::unexpected(*error);
        std::vector<Result<>> out;
        for (const Settlement& settlement : settlements)
            out.push_back(settle_one(settlement));
        return out;
    }

    Result<std::vector<Result<Extended>>> extend(
        std::string_view, std::span<const std::string> receipts, Milliseconds
    ) override {
        const std::lock_guard lock(mutex_);
        ++calls_["extend"];
        changed_.notify_all();
        if (auto error = misfortune("extend")) return std::unexpected(*error);
        std::vector<Result<Extended>> out;
        for (const std::string& receipt : receipts) {
            const auto found = out_.find(receipt);
            if (found == out_.end()) {
                out.push_back(fail(Errc::conflict, "the delivery is over"));
            } else {
                out.push_back(Extended{.cancel_requested = cancelled_.contains(found->second.id)});
            }
        }
        return out;
    }

    Result<> set_progress(std::string_view, std::string_view, std::string_view json) override {
        const std::lock_guard lock(mutex_);
        progress_.emplace_back(json);
        changed_.notify_all();
        return {};
    }
    Result<> append_log(std::string_view, std::string_view, std::span<const std::string> lines)
        override {
        const std::lock_guard lock(mutex_);
        if (auto error = misfortune("append_log")) return std::unexpected(*error);
        lines_.insert(lines_.end(), lines.begin(), lines.end());
        changed_.notify_all();
        return {};
    }
    Result<> save_step(std::string_view, std::string_view receipt, const Step& step) override {
        const std::lock_guard lock(mutex_);
        if (auto error = misfortune("save_step")) return std::unexpected(*error);
        out_[std::string(receipt)].steps.push_back(step);
        return {};
    }

    // What a test says.

    /// The next `count` calls fail like this.
    void break_next(const std::string& call, std::size_t count, Errc code = Errc::unavailable) {
        const std::lock_guard lock(mutex_);
        misfortunes_.insert_or_assign(call, std::pair(count, Error(code, "it is broken")));
    }
    void mend(const std::string& call) {
        const std::lock_guard lock(mutex_);
        misfortunes_.erase(call);
    }
    /// Its delivery is over, as if its lease had ended.
    void lose(const std::string& id) {
        const std::lock_guard lock(mutex_);
        std::erase_if(out_, [&](const auto& entry) { return entry.second.id == id; });
    }
    void request_cancel(const std::string& id) {
        const std::lock_guard lock(mutex_);
        cancelled_.insert(id);
    }

    // What a test asks. The ones that wait do so for as long as it takes, and a minute at most.

    std::vector<Ended> wait_for_ended(std::size_t count) {
        std::unique_lock lock(mutex_);
        wait_until(lock, [&] { return ended_.size() >= count; });
        return ended_;
    }
    bool wait_for_calls(const std::string& call, std::size_t count) {
        std::unique_lock lock(mutex_);
        return wait_until(lock, [&] { return calls_[call] >= count; });
    }
    bool wait_for_lines(std::size_t count) {
        std::unique_lock lock(mutex_);
        return wait_until(lock, [&] { return lines_.size() >= count; });
    }
    std::size_t calls(const std::string& call) {
        const std::lock_guard lock(mutex_);
        return calls_[call];
    }
    std::vector<std::string> lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::vector<std::string> progress() {
        const std::lock_guard lock(mutex_);
        return progress_;
    }
    std::size_t largest_receive() {
        const std::lock_guard lock(mutex_);
        return largest_receive_;
    }
    std::size_t waiting(const std::string& queue) {
        const std::lock_guard lock(mutex_);
        return waiting_[queue].size();
    }

  private:
    std::optional<Error> misfortune(const std::string& call) {
        const auto found = misfortunes_.find(call);
        if (found == misfortunes_.end() || found->second.first == 0) return std::nullopt;
        --found->second.first;
        return found->second.second;
    }

    Result<> settle_one(const Settlement& settlement) {
        const auto found = out_.find(settlement.receipt);
        if (found == out_.end()) return fail(Errc::conflict, "the delivery is over");
        const auto* completed = std::get_if<Completed>(&settlement.outcome);
        if (completed != nullptr && completed->result == "refused") {
            return fail(Errc::invalid_argument, "this result is no JSON");
        }
        ReceivedJob job = std::move(found->second);
        out_.erase(found);
        ended_.push_back({job.id, job.attempt, settlement.outcome});
        const bool failed = std::holds_alternative<Failed>(settlement.outcome);
        const bool uncounted = std::holds_alternative<Released>(settlement.outcome) ||
                               std::holds_alternative<Snoozed>(settlement.outcome);
        if (uncounted) --job.attempt;
        if (uncounted || (failed && job.attempt < job.options.retry.max_attempts)) {
            waiting_[job.queue].push_back(std::move(job));
        }
        return {};
    }

    template <class Condition>
    bool wait_until(std::unique_lock<std::mutex>& lock, Condition condition) {
        return changed_.wait_for(lock, std::chrono::minutes(1), condition);
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, std::deque<ReceivedJob>> waiting_;
    std::map<std::string, ReceivedJob> out_;  // by receipt
    std::vector<Ended> ended_;
    std::map<std::string, std::pair<std::size_t, Error>> misfortunes_;
    std::map<std::string, std::size_t> calls_;
    std::set<std::string> cancelled_;
    std::vector<std::string> lines_;
    std::vector<std::string> progress_;
    std::size_t largest_receive_ = 0;
    std::size_t receipts_ = 0;
};

}  // namespace tranter
