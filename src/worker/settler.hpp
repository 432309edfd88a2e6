#pragma once

#include "worker/backoff.hpp"
#include "worker/leases.hpp"
#include "worker/store_watch.hpp"
#include "worker/tally.hpp"
#include "worker/task.hpp"

#include <tranter/provider.hpp>

#include <atomic>
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
/// What the store does not take because it does not answer is put aside and tried again until the
/// lease ends, and the outcomes of other queues go on meanwhile. One thread lives in deliver_all();
/// the other functions may be called from any.
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
    /// Blocks while the store takes outcomes, or those of this queue, more slowly than they come;
    /// no more of its jobs should be received then. Ended by `stop`.
    void wait_for_space(std::string_view queue, const std::stop_token& stop);

    /// Until `stop`, and everything that was pushed before is delivered or given up. Leases are not
    /// renewed any more then, so that takes no longer than one of them and a call to the store.
    void deliver_all(const std::stop_token& stop);

  private:
    static constexpr Milliseconds first_settle_rest{50};
    static constexpr Milliseconds longest_settle_rest{5000};

    struct Batch {
        std::vector<std::shared_ptr<Task>> tasks{};
        std::vector<Settlement> settlements{};  // of each of them

        bool empty() const { return tasks.empty(); }
        std::size_t size() const { return tasks.size(); }
        void move_to(Batch& other, std::size_t i);
        void move_all_to(Batch& other);
    };
    /// What the store did not take.
    struct Late {
        Batch batch{};
        Backoff backoff{first_settle_rest, longest_settle_rest};
        Moment next_try{};
    };

    using ByQueue = std::map<std::string, Batch, std::less<>>;

    ByQueue take(const std::stop_token& stop);
    void retry_late(const std::stop_token& stop);
    void put_aside(const std::string& queue, Late& late, Batch batch, const std::stop_token& stop);
    Moment next_try() const;
    void count_late(const std::string& queue, std::size_t count);
    void report(const Batch& batch, const std::stop_token& stop);
    // Of each: what is to be tried again.
    Batch deliver(Batch batch, const std::stop_token& stop);
    Batch try_all(Batch batch);
    Batch try_once(Batch batch);
    Batch try_each(Batch batch);
    /// False when it is to be tried again.
    bool conclude(const Task& task, Settlement& settlement, const Result<>& answer);
    void give_up_ended(Batch& batch, bool is_stopping);
    void give_up(const Task& task, std::string_view why);

    Provider& provider_;
    const Config config_;
    Leases& leases_;
    Tally& tally_;
    StoreWatch& watch_;
    std::map<std::string, Late, std::less<>> late_;  // used by deliver_all(), none is empty
    std::atomic<Moment> report_until_{Moment::max()};

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::condition_variable_any space_came_;
    // Guarded by mutex_:
    ByQueue pending_;
    std::size_t pending_count_ = 0;
    std::map<std::string, std::size_t, std::less<>> late_counts_;  // of late_, where there are any
    enum class Waiting : std::uint8_t { no, for_first, for_more };
    Waiting waiting_ = Waiting::no;
};

}  // namespace tranter::worker
