#pragma once

#include "jobs/test_provider.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::admin {

/// A store that says what a test wants, and keeps what it was asked. Receives and waits stay open
/// until the test or their end answers them. Thread-safe.
class ScriptedStore final : public NoProvider, public AsyncProvider {
  public:
    ScriptedStore() { can.events = true; }

    AsyncProvider* async() override { return is_async ? this : nullptr; }

    void enqueue(std::string_view queue, std::vector<NewJob> jobs, Done<std::vector<Enqueued>> done)
        override {
        done(take(queue, jobs));
    }
    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override {
        return take(queue, jobs);
    }

    std::move_only_function<void()> receive(
        const ReceiveRequest& request, Done<std::vector<ReceivedJob>> done
    ) override {
        if (request.wait.count() == 0) {
            done(jobs_to_give);
            return {};
        }
        keep(receiving_, std::move(done));
        return [this] {
            if (!holds_receives) finish_receive({});
        };
    }
    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest&) override {
        return jobs_to_give;
    }

    void settle(
        std::string_view, std::vector<Settlement> settlements, Done<std::vector<Result<>>> done
    ) override {
        done(settle_all(settlements));
    }
    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement> settlements)
        override {
        return settle_all(settlements);
    }

    void take_back(std::string_view, std::vector<std::string> receipts) override {
        const std::lock_guard lock(mutex_);
        for (std::string& receipt : receipts)
            taken_back_.push_back(std::move(receipt));
        changed_.notify_all();
    }

    std::move_only_function<void()> wait(std::string_view, Done<std::optional<JobRecord>> done)
        override {
        keep(waiting_, std::move(done));
        return [this] {
            finish_wait(std::nullopt);
        };
    }
    Result<JobRecord> wait(std::string_view, Milliseconds) override {
        const std::lock_guard lock(mutex_);
        is_waited_for_ = true;
        changed_.notify_all();
        return fail(Errc::timed_out, "not yet");
    }
    Result<JobRecord> find(std::string_view id) override {
        if (id != "known") return fail(Errc::not_found, "there is no such job");
        JobRecord job;
        job.id = id;
        job.payload = "1";
        return job;
    }
    Result<QueueStats> stats(std::string_view queue) override {
        return QueueStats{.queue = std::string(queue)};
    }
    Result<std::shared_ptr<void>> subscribe(Listener listener) override {
        const std::lock_guard lock(mutex_);
        listener_ = std::move(listener);
        changed_.notify_all();
        return std::shared_ptr<void>(std::make_shared<int>());
    }

    // For the test:
    void finish_receive(Result<std::vector<ReceivedJob>> jobs) {
        if (auto done = release(receiving_)) (*done)(std::move(jobs));
    }
    void finish_wait(Result<std::optional<JobRecord>> job) {
        if (auto done = release(waiting_)) (*done)(std::move(job));
    }
    void await_receive() {
        await([this] { return receiving_.has_value(); });
    }
    void await_wait() {
        await([this] { return waiting_.has_value(); });
    }
    void await_wait_on_a_thread() {
        await([this] { return is_waited_for_; });
    }
    std::vector<std::string> await_taken_back() {
        await([this] { return !taken_back_.empty(); });
        return taken_back_;
    }
    void tell(const JobEvent& event) { listener_(event); }

    bool is_async = true;
    bool holds_receives = false;  // their end comes too late to keep a job from them
    std::vector<ReceivedJob> jobs_to_give{};
    std::vector<NewJob> jobs_taken{};
    std::vector<Settlement> settled{};
    std::vector<std::string> known_ids{};  // duplicates
    std::optional<Error> error{};          // of every enqueue

  private:
    template <class Kept>
    void keep(std::optional<Kept>& place, Kept done) {
        const std::lock_guard lock(mutex_);
        place.emplace(std::move(done));
        changed_.notify_all();
    }
    template <class Kept>
    std::optional<Kept> release(std::optional<Kept>& place) {
        const std::lock_guard lock(mutex_);
        return std::exchange(place, std::nullopt);
    }
    template <class Ready>
    void await(Ready ready) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, ready);
    }

    Result<std::vector<Enqueued>> take(std::string_view, std::span<const NewJob> jobs) {
        if (error) return std::unexpected(*error);
        std::vector<Enqueued> out;
        for (const NewJob& job : jobs) {
            jobs_taken.push_back(job);
            Enqueued& one = out.emplace_back();
            one.id = job.id.empty() ? "made" : job.id;
            const bool known = std::ranges::find(known_ids, one.id) != known_ids.end();
            if (known) one.duplicate_of = one.id;
        }
        return out;
    }

    std::vector<Result<>> settle_all(std::span<const Settlement> settlements) {
        std::vector<Result<>> out;
        for (const Settlement& each : settlements) {
            settled.push_back(each);
            if (each.receipt == "over") {
                out.push_back(fail(Errc::conflict, "the delivery is over"));
            } else {
                out.emplace_back();
            }
        }
        return out;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    // guarded by mutex_
    std::optional<Done<std::vector<ReceivedJob>>> receiving_;
    std::optional<Done<std::optional<JobRecord>>> waiting_;
    std::vector<std::string> taken_back_;
    bool is_waited_for_ = false;
    Listener listener_;
};

}  // namespace tranter::admin
