#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::postgres_jobs {

/// What a call adds to the ones that it goes with.
struct SharedSize {
    std::size_t jobs = 0;
    std::size_t bytes = 0;
};
struct SharedLimits {
    std::size_t under_way_max = 1;  // of each queue
    SharedSize together{};          // a call that is larger goes alone
};

/// Calls of one kind by several threads, done together as in a group commit: while as many of a
/// queue are under way as may be, those that come wait, and then one of them takes the others
/// along.
///
///     caller 1   |== 1 ==|
///     caller 2     waits |== 2 3 4 ==|
///     caller 3       waits           |
///     caller 4           waits       |
///     caller 5             waits     |== 5 ==|
///
/// Nobody waits for company: who finds fewer under way goes at once, alone. They go in the order in
/// which they came. Queues do not wait for each other. Thread-safe.
template <class Call>
class SharedCalls {
  public:
    explicit SharedCalls(SharedLimits limits) : limits_(limits) {}
    ~SharedCalls() = default;
    SharedCalls(const SharedCalls&) = delete;
    SharedCalls& operator=(const SharedCalls&) = delete;

    /// Returns when `work` was called with `call`, among others or alone, and has returned or
    /// thrown. `work` gets a std::span<Call* const>, all of the same queue, and leaves in each what
    /// became of it; their callers wait meanwhile, so that what they point to is there. It may be
    /// that of any of them, on that one's thread. What it leaves undone is its caller's to do: so
    /// is everything when it throws a std::exception, which goes no further.
    template <class Work>
    void run(std::string_view queue, SharedSize size, Call& call, const Work& work);

    /// How many wait until they may go.
    std::size_t waiting(std::string_view queue) const;

  private:
    /// On the stack of who waits.
    struct Caller {
        enum class State : std::uint8_t { waits, leads, is_done };

        Caller(Call& call_in, SharedSize size_in) : call(&call_in), size(size_in) {}

        Call* const call;
        const SharedSize size;
        Caller* next = nullptr;  // of those that wait, or that go together
        State state = State::waits;
        std::condition_variable changed{};
    };
    struct Lane {
        std::size_t under_way = 0;
        std::size_t waiting = 0;
        Caller* first = nullptr;
        Caller* last = nullptr;
    };
    using Lanes = std::map<std::string, Lane, std::less<>>;

    /// Of those that go together, from where they may to where all are told.
    class Turn {
      public:
        Turn(SharedCalls& calls, typename Lanes::iterator lane, Caller& leader)
            : calls_(calls), lane_(lane), leader_(leader) {}
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        /// With mutex_ held.
        void take_along();
        std::vector<Call*> all() const;

      private:
        SharedCalls& calls_;
        const typename Lanes::iterator lane_;
        Caller& leader_;
    };

    typename Lanes::iterator lane_of(std::string_view queue) {
        const auto found = lanes_.find(queue);
        return found == lanes_.end() ? lanes_.try_emplace(std::string(queue)).first : found;
    }
    static void add(Lane& lane, Caller& caller);
    static Caller& take_first(Lane& lane);
    static void tell(Caller& caller, typename Caller::State state) {
        // With mutex_ held: who waits is gone as soon as it gets that.
        caller.state = state;
        caller.changed.notify_one();
    }

    const SharedLimits limits_;
    mutable std::mutex mutex_;
    // guarded by mutex_, as is every Caller but those that are under way
    Lanes lanes_{};  // those that have a call under way
};

template <class Call>
template <class Work>
void SharedCalls<Call>::run(std::string_view queue, SharedSize size, Call& call, const Work& work) {
    Caller self(call, size);
    std::unique_lock lock(mutex_);
    const auto lane = lane_of(queue);
    if (lane->second.under_way < limits_.under_way_max) {
        ++lane->second.under_way;
    } else {
        add(lane->second, self);
        self.changed.wait(lock, [&self] { return self.state != Caller::State::waits; });
        if (self.state == Caller::State::is_done) return;
    }
    Turn turn(*this, lane, self);
    turn.take_along();
    lock.unlock();
    try {
        const std::vector<Call*> calls = turn.all();
        work(std::span<Call* const>(calls));
    } catch (const std::exception&) {
        // Whoever was to blame, each of them meets it when it is done by itself.
    }
}

template <class Call>
std::size_t SharedCalls<Call>::waiting(std::string_view queue) const {
    const std::lock_guard lock(mutex_);
    const auto found = lanes_.find(queue);
    return found == lanes_.end() ? 0 : found->second.waiting;
}

template <class Call>
void SharedCalls<Call>::add(Lane& lane, Caller& caller) {
    (lane.last == nullptr ? lane.first : lane.last->next) = &caller;
    lane.last = &caller;
    ++lane.waiting;
}

template <class Call>
typename SharedCalls<Call>::Caller& SharedCalls<Call>::take_first(Lane& lane) {
    Caller& first = *lane.first;
    lane.first = first.next;
    if (lane.first == nullptr) lane.last = nullptr;
    first.next = nullptr;
    --lane.waiting;
    return first;
}

template <class Call>
void SharedCalls<Call>::Turn::take_along() {
    Lane& lane = lane_->second;
    const SharedSize most = calls_.limits_.together;
    SharedSize sum = leader_.size;
    Caller* last = &leader_;
    while (lane.first != nullptr) {
        sum.jobs += lane.first->size.jobs;
        sum.bytes += lane.first->size.bytes;
        if (sum.jobs > most.jobs || sum.bytes > most.bytes) return;
        last->next = &take_first(lane);
        last = last->next;
    }
}

template <class Call>
std::vector<Call*> SharedCalls<Call>::Turn::all() const {
    std::vector<Call*> calls;
    for (const Caller* caller = &leader_; caller != nullptr; caller = caller->next)
        calls.push_back(caller->call);
    return calls;
}

template <class Call>
SharedCalls<Call>::Turn::~Turn() {
    const std::lock_guard lock(calls_.mutex_);
    for (Caller* caller = leader_.next; caller != nullptr;) {
        Caller& told = *caller;
        caller = told.next;
        tell(told, Caller::State::is_done);
    }
    Lane& lane = lane_->second;
    if (lane.first != nullptr) {
        tell(take_first(lane), Caller::State::leads);  // instead of this one
    } else if (--lane.under_way == 0) {
        calls_.lanes_.erase(lane_);
    }
}

}  // namespace tranter::postgres_jobs
