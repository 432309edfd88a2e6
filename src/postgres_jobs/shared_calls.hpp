#pragma once

#include <chrono>
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
    std::size_t under_way_max = 1;         // of each queue
    std::chrono::milliseconds wait_max{};  // for a turn
    SharedSize together{};                 // a call that is larger goes alone
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
/// (That is with one under way.) Nobody waits for company: who finds fewer under way goes at once,
/// alone. They go in the order in which they came. Who has waited for too long leaves the line:
/// those under way may be held up by what is no business of others. Queues do not wait for each
/// other. Thread-safe.
template <class Call>
class SharedCalls {
  public:
    explicit SharedCalls(SharedLimits limits) : limits_(limits) {}
    ~SharedCalls() = default;
    SharedCalls(const SharedCalls&) = delete;
    SharedCalls& operator=(const SharedCalls&) = delete;

    /// Returns when `work` was called with `call`, among others or alone, and has returned, or when
    /// the call had no turn for wait_max. `work` gets a std::span<Call* const>, all of the same
    /// queue, and leaves in each what became of it; their callers wait meanwhile, so that what they
    /// point to is there. It may be that of any of them, on that one's thread. What it leaves
    /// undone is its caller's to do. A std::exception that it throws is the caller's if that was
    /// alone; otherwise it goes no further, and what is undone is done alone.
    template <class Work>
    void run(std::string_view queue, SharedSize size, Call& call, const Work& work);

    /// How many wait until they may go.
    std::size_t waiting(std::string_view queue) const;

  private:
    /// On the stack of who waits.
    struct Caller {
        enum class State : std::uint8_t { waits, goes_along, leads, is_done };

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
        bool is_alone() const { return leader_.next == nullptr; }
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
    static void leave(Lane& lane, Caller& caller);
    /// With `lock` on mutex_: until it leads, is done or has left.
    void wait_for_turn(std::unique_lock<std::mutex>& lock, Lane& lane, Caller& caller) const;
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
        wait_for_turn(lock, lane->second, self);
        if (self.state != Caller::State::leads) return;
    }
    Turn turn(*this, lane, self);
    turn.take_along();
    lock.unlock();
    try {
        const std::vector<Call*> calls = turn.all();
        work(std::span<Call* const>(calls));
    } catch (const std::exception&) {
        if (turn.is_alone()) throw;
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
void SharedCalls<Call>::leave(Lane& lane, Caller& caller) {
    Caller* before = nullptr;
    for (Caller* one = lane.first; one != &caller; one = one->next)
        before = one;
    (before == nullptr ? lane.first : before->next) = caller.next;
    if (lane.last == &caller) lane.last = before;
    --lane.waiting;
}

template <class Call>
void SharedCalls<Call>::wait_for_turn(
    std::unique_lock<std::mutex>& lock, Lane& lane, Caller& caller
) const {
    using State = typename Caller::State;
    add(lane, caller);
    const bool has_turn = caller.changed.wait_for(lock, limits_.wait_max, [&caller] {
        return caller.state != State::waits;
    });
    // As long as there is a line, its lane is there.
    if (!has_turn) return leave(lane, caller);
    // Who goes along is in the hands of another one, for as long as that takes.
    caller.changed.wait(lock, [&caller] { return caller.state != State::goes_along; });
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
        last->state = Caller::State::goes_along;
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
