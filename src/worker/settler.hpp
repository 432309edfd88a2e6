#pragma once

#include "worker/leases.hpp"
#include "worker/store_watch.hpp"
#include "worker/tally.hpp"
#include "worker/task.hpp"

#include <tranter/provider.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::worker {

/// Tells the store how attempts ended: at once when there is little to do, else many in one call.
/// What the store does not take because it does not answer is kept until the lease ends. One thread
/// lives in deliver_all(); the other functions may be called from any.
class Settler {
  public:
    struct Config {
        std::size_t batch_max = 1;
        /// Whether more outcomes are likely to come within milliseconds.
        std::function<bool()> more_is_coming{};
    };
    Settler(Provider& provider, Config config, Leases& leases, Tally& tally, StoreWatch& watch);

    /// By whoever claimed the task.
    void push(std::shared_ptr<Task> task, AttemptOutcome outcome);
    /// No more is coming for now.
    void hurry();
    /// Blocks while the store takes outcomes more slowly than they come; no more jobs should be
    /// received then. Ended by `stop`.
    void wait_for_space(const std::stop_token& stop);

    /// Until `stop`, and everything that was pushed before is delivered or given up.
    void deliver_all(const std::stop_token& stop);

  private:
    struct Batch {
        std::vector<std::shared_ptr<Task>> tasks{};
        std::vector<Settlement> settlements{};  // of each of them

        bool empty() const { return tasks.empty(); }
        std::size_t size() const { return tasks.size(); }
        void move_to(Batch& other, std::size_t i);
    };

    using ByQueue = std::map<std::string, Batch, std::less<>>;

    ByQueue take(const std::stop_token& stop);
    void deliver(Batch batch, const std::stop_token& stop);
    void deliver_to_queue(Batch batch, const std::stop_token& stop);
    /// What is to be tried again.
    Batch try_once(Batch batch);
    Batch try_each(Batch batch);
    /// False when it is to be tried again.
    bool conclude(const Task& task, Settlement& settlement, const Result<>& answer);
    void give_up_ended(Batch& batch, bool is_stopping);
    void give_up(const Task& task, std::string_view why);
    void rest(Milliseconds time, const std::stop_token& stop);

    Provider& provider_;
    const Config config_;
    Leases& leases_;
    Tally& tally_;
    StoreWatch& watch_;

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::condition_variable_any space_came_;
    // Guarded by mutex_:
    ByQueue pending_;
    std::size_t pending_count_ = 0;
    enum class Waiting : std::uint8_t { no, for_first, for_more };
    Waiting waiting_ = Waiting::no;
};

}  // namespace tranter::worker
