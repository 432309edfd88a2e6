#pragma once

#include "worker/task.hpp"
#include "worker/turns.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace tranter::worker {

/// How many jobs a receiver may ask the store for.
struct Grant {
    std::size_t jobs = 0;   // 0: the end has come
    bool may_wait = false;  // for the first of them
};

/// Divides what is free among the queues of a worker, before anybody knows what they have. Each has
/// a receiver, which asks for jobs, or wants to.
///
/// A queue that gave all that was asked for has more: room is kept for what it is asked for, and
/// the store is not to wait. One that gave less is empty: its receiver waits at the store for the
/// next job, and no room is kept meanwhile, so that others can use all of it; therefore it asks for
/// no more than two, and at most so many jobs come for each queue that find no room. It may ask
/// even when queues that have more get all that is free, or they would keep it from asking for as
/// long as they have; in strict order this holds for those before them only.
/// Not thread-safe.
class Asking {
  public:
    Asking(std::vector<unsigned> weights, QueueOrder order);

    /// Its receiver wants to ask.
    void want(std::size_t queue) { receivers_[queue].wants = true; }
    /// What it may ask for now; it does not want to any more then.
    std::optional<Grant> take(std::size_t queue);
    /// What has become of it; `jobs` is 0 when the store did not answer.
    void answered(std::size_t queue, std::size_t jobs);
    /// Not to be asked before.
    void rest(std::size_t queue, Moment until) { receivers_[queue].rests_until = until; }
    Moment rests_until(std::size_t queue) const { return receivers_[queue].rests_until; }

    /// Gives away `free` beyond kept(). `most(queue)` is how many jobs the queue may be asked for.
    /// True when somebody may ask who could not before.
    template <class Most>
    bool distribute(std::size_t free, Moment now, const Most& most);
    /// Room for jobs that were asked for, or will be.
    std::size_t kept() const;

  private:
    struct Receiver {
        bool wants = false;
        bool has_more = true;     // nobody has asked yet
        std::size_t granted = 0;  // may be asked for
        std::size_t asked = 0;    // was asked for
        std::size_t kept = 0;     // room for these
        Moment rests_until{};
    };

    bool is_open(const Receiver& receiver, Moment now) const {
        return receiver.wants && receiver.granted == 0 && receiver.rests_until <= now;
    }
    template <class Most>
    std::size_t first_to_wait(Moment now, const Most& most) const;

    static constexpr std::size_t jobs_of_empty_queue = 2;

    Turns turns_;
    std::vector<Receiver> receivers_;
};

/// Behind it, nobody gets anything in strict order: it has more, and will ask for it soon.
template <class Most>
std::size_t Asking::first_to_wait(Moment now, const Most& most) const {
    if (turns_.order() == QueueOrder::weighted) return receivers_.size();
    std::size_t queue = 0;
    for (; queue < receivers_.size(); ++queue) {
        const Receiver& receiver = receivers_[queue];
        const bool will_ask = receiver.has_more && receiver.rests_until <= now && most(queue) > 0;
        if (will_ask && !is_open(receiver, now)) break;
    }
    return queue;
}

template <class Most>
bool Asking::distribute(std::size_t free, Moment now, const Most& most) {
    bool any = false;
    const std::size_t end = first_to_wait(now, most);
    std::vector<std::size_t> given(receivers_.size());
    const auto may_have_one = [&](std::size_t queue) {
        const Receiver& receiver = receivers_[queue];
        return queue < end && receiver.has_more && is_open(receiver, now) &&
               given[queue] < most(queue);
    };
    for (std::size_t left = free; left > 0; --left) {
        const auto queue = turns_.next(may_have_one);
        if (!queue) break;
        ++given[*queue];
    }
    const bool is_strict = turns_.order() == QueueOrder::strict;
    for (std::size_t queue = 0; queue < end; ++queue) {
        Receiver& receiver = receivers_[queue];
        if (!is_open(receiver, now)) continue;
        if (receiver.has_more) {
            receiver.kept = given[queue];
            receiver.granted = given[queue];
            if (is_strict) free -= given[queue];
        } else {
            const std::size_t fair = receivers_.size() == 1 ? free : jobs_of_empty_queue;
            receiver.granted = std::min({free, fair, most(queue)});
        }
        any |= receiver.granted > 0;
    }
    return any;
}

}  // namespace tranter::worker
