#include "log/threads.hpp"

#include "base/burst.hpp"
#include "base/log.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace tranter::log {
namespace {

constexpr auto look_around = std::chrono::seconds(1);

/// Wakes one thread that sleeps until there is something to do. Not an std::atomic that waits: that
/// spins and yields before it sleeps, at every commit.
class Bell final : public Wakeable {
  public:
    void wake_now() override {
        {
            const std::lock_guard lock(mutex_);
            rung_ = true;
        }
        condition_.notify_one();
    }
    /// Returns at once when it rang since the last wait.
    void wait() {
        std::unique_lock lock(mutex_);
        condition_.wait(lock, [this] { return rung_; });
        rung_ = false;
    }
    void wait_for(std::chrono::microseconds time) {
        std::unique_lock lock(mutex_);
        condition_.wait_for(lock, time, [this] { return rung_; });
        rung_ = false;
    }

  private:
    std::mutex mutex_;
    std::condition_variable condition_;
    bool rung_ = false;  // guarded by mutex_
};

}  // namespace

class LogThreads::Impl {
  public:
    Impl(Log& log, Keeper& keeper) : log_(log), compactor_(log, keeper) {
        log_.on_wanted([this](Log::Wanted wanted) { wake(wanted); });
        writer_ = std::jthread([this](const std::stop_token& stop) {
            serve(stop, *write_bell_, Log::Wanted::write, [this] { log_.write(); });
        });
        syncer_ = std::jthread([this](const std::stop_token& stop) {
            // The wait for company is shorter than the kernel's usual idea of punctuality.
            ::prctl(PR_SET_TIMERSLACK, 1000UL);
            serve(stop, *sync_bell_, Log::Wanted::sync, [this] { commit_in_company(); });
        });
        keeper_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
    }

    ~Impl() {
        // First the one that may be waiting for a commit of the others.
        keeper_.request_stop();
        wake(Log::Wanted::nothing);
        keeper_.join();
        for (std::jthread* thread : {&writer_, &syncer_})
            thread->request_stop();
        wake(Log::Wanted::write);
        wake(Log::Wanted::sync);
        for (std::jthread* thread : {&writer_, &syncer_})
            thread->join();
        log_.rest();
        log_.on_wanted({});
    }

  private:
    void wake(Log::Wanted wanted) {
        switch (wanted) {
            case Log::Wanted::sync:
                return Burst::wake(sync_bell_);
            case Log::Wanted::write:
                return Burst::wake(write_bell_);
            case Log::Wanted::nothing:
                return Burst::wake(look_bell_);
        }
    }

    void serve(
        const std::stop_token& stop,
        Bell& bell,
        Log::Wanted wanted,
        const std::function<void()>& commit
    ) const {
        while (!stop.stop_requested()) {
            if (log_.wants(wanted)) {
                commit();
            } else {
                bell.wait();
            }
        }
    }

    /// The clients that a commit answers come back almost together, but the first of them would
    /// begin the next commit alone and the others wait for the one after: half as many a sync. So
    /// when about as many as before are likely to come, wait for them, a quarter of a sync at most.
    /// One client alone never waits.
    void commit_in_company() {
        constexpr std::size_t worth_waiting = 4;
        const Log::Crowd crowd = log_.crowd();
        const std::size_t likely = std::max(crowd.answered, last_answered_);
        last_answered_ = crowd.answered;
        if (likely >= worth_waiting && crowd.waiting < likely / 4 * 3) {
            log_.expect(likely);
            sync_bell_->wait_for(crowd.sync_time / 4);
            log_.expect(0);
        }
        log_.sync();
    }

    /// Once a second: space, what nobody waits for, and compaction.
    void look_after(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            log_.check_space();
            if (log_.figures().appended_records == seen_records_) {
                log_.rest();
            } else {
                log_.sync();  // what nobody waits for
            }
            seen_records_ = log_.figures().appended_records;
            compact(stop);
            look_bell_->wait_for(look_around);
        }
    }

    void compact(const std::stop_token& stop) {
        if (given_up_) return;
        try {
            while (!stop.stop_requested()) {
                const auto need = compactor_.step();
                if (need == Compactor::Need::nothing) return;
                if (need == Compactor::Need::durable && !wait_durable()) return;
            }
        } catch (const DiskError& error) {
            log_warn("log", "compaction will be tried again", {{"error", error.what()}});
        } catch (const std::exception& error) {
            given_up_ = true;
            log_error(
                "log", "compaction has stopped, the log will grow", {{"error", error.what()}}
            );
        }
    }

    bool wait_durable() {
        std::promise<bool> promise;
        std::future<bool> answer = promise.get_future();
        log_.when_durable(
            compactor_.position(),
            [promise = std::move(promise)](bool durable) mutable { promise.set_value(durable); }
        );
        return answer.get();
    }

    Log& log_;
    Compactor compactor_;
    const std::shared_ptr<Bell> write_bell_ = std::make_shared<Bell>();
    const std::shared_ptr<Bell> sync_bell_ = std::make_shared<Bell>();
    std::size_t last_answered_ = 0;  // only used by the thread that syncs
    const std::shared_ptr<Bell> look_bell_ = std::make_shared<Bell>();
    // only used by the thread that looks after the log
    std::uint64_t seen_records_ = 0;
    bool given_up_ = false;
    std::jthread writer_;
    std::jthread syncer_;
    std::jthread keeper_;
};

LogThreads::LogThreads(Log& log, Keeper& keeper) : impl_(std::make_unique<Impl>(log, keeper)) {}

LogThreads::~LogThreads() = default;

}  // namespace tranter::log
