// Queues as a whole: pausing, figures, events.
#include "fixture.hpp"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;

/// Events of one queue as they come, from any thread.
class EventLog {
  public:
    explicit EventLog(std::string queue) : queue_(std::move(queue)) {}

    void add(const JobEvent& event) {
        const std::lock_guard lock(mutex_);
        numbers_.push_back(event.number);
        if (event.queue == queue_) events_.push_back(event);
        changed_.notify_all();
    }

    /// Once there are so many; fewer when they do not come.
    std::vector<JobEvent> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, seconds(20), [&] { return events_.size() >= count; });
        return events_;
    }

    std::vector<std::uint64_t> numbers() {
        const std::lock_guard lock(mutex_);
        return numbers_;
    }

  private:
    const std::string queue_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<JobEvent> events_{};        // guarded by mutex_
    std::vector<std::uint64_t> numbers_{};  // of all queues; guarded by mutex_
};

class QueuesTest : public ProviderTest {
  public:
    std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const QueueStats& one : must(store().queues()))
            all.push_back(one.queue);
        return all;
    }
};
TRANTER_FOR_ALL_STORES(QueuesTest);

// ---- pause ------------------------------------------------------------------------------------

TEST_P(QueuesTest, APausedQueueHandsOutNothing) {
    TRANTER_NEEDS(pause);
    enqueue_all({job("1"), job("2")});
    const ReceivedJob running = take();

    must(store().set_paused(queue(), true));

    EXPECT_TRUE(nothing_left());
    EXPECT_TRUE(stats().paused);
    enqueue(job("3"));
    complete(running);
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(stats().pending, 2U);

    must(store().set_paused(queue(), false));

    EXPECT_FALSE(stats().paused);
    EXPECT_THAT(payloads_of(take_many(2)), ElementsAre("2", "3"));
}

TEST_P(QueuesTest, ResumeServesThoseWhoWait) {
    TRANTER_NEEDS(pause);
    must(store().set_paused(queue(), true));
    const std::string id = enqueue(job());
    std::vector<std::future<Result<std::vector<ReceivedJob>>>> calls;
    std::stop_source stop;
    for (int i = 0; i < 3; ++i) {
        calls.push_back(std::async(std::launch::async, [this, token = stop.get_token()] {
            return store().receive({.queue = queue(), .wait = minutes(5), .stop = token});
        }));
    }

    must(store().set_paused(queue(), false));

    std::vector<std::string> got;
    EXPECT_TRUE(eventually([&] { return stats().processing == 1; }));
    // The answer may be on its way still, and who leaves before it comes gives the job back.
    EXPECT_TRUE(eventually([&] {
        return std::ranges::any_of(calls, [](const auto& call) {
            return call.wait_for(Milliseconds::zero()) == std::future_status::ready;
        });
    }));
    stop.request_stop();
    for (auto& call : calls) {
        for (const ReceivedJob& one : must(call.get()))
            got.push_back(one.id);
    }
    EXPECT_THAT(got, ElementsAre(id));
}

TEST_P(QueuesTest, AQueueMayBePausedBeforeItHasAJob) {
    TRANTER_NEEDS(pause);
    must(store().set_paused(queue(), true));

    enqueue(job());

    EXPECT_TRUE(nothing_left());
    EXPECT_THAT(names(), testing::Contains(queue()));
}

// ---- figures ----------------------------------------------------------------------------------

TEST_P(QueuesTest, FiguresSayWhereJobsAre) {
    NewJob later = job("1");
    later.delay = seconds(800);
    enqueue(later);
    enqueue_all({job("2"), job("3"), job("4")});
    take();

    const QueueStats figures = stats();

    EXPECT_EQ(figures.queue, queue());
    EXPECT_FALSE(figures.paused);
    EXPECT_EQ(figures.pending, 2U);
    EXPECT_EQ(figures.scheduled, 1U);
    EXPECT_EQ(figures.processing, 1U);
}

TEST_P(QueuesTest, FiguresCountWhatEnded) {
    TRANTER_NEEDS(look_up);
    const std::vector<AttemptOutcome> outcomes{
        Completed{},
        Completed{},
        Failed{.type = "E", .text = "e"},
        Dead{.type = "E", .reason = "r"},
        Stopped{}};
    enqueue_all(std::vector<NewJob>(
        outcomes.size(), job("1", {.retry = {.base = hours(1), .max = hours(1)}})
    ));
    for (const AttemptOutcome& outcome : outcomes)
        must(settle(take(), outcome));
    must(store().cancel(enqueue(job())));

    const QueueStats figures = stats();

    EXPECT_EQ(figures.completed, 2U);
    EXPECT_GE(figures.failed, 1U);
    EXPECT_EQ(figures.dead, 1U);
    EXPECT_EQ(figures.cancelled, 2U);
    EXPECT_EQ(figures.scheduled, 1U);
    EXPECT_EQ(figures.pending, 0U);
    EXPECT_EQ(figures.processing, 0U);
    EXPECT_FALSE(figures.oldest_pending.has_value());
}

TEST_P(QueuesTest, TheOldestJobHasAnAge) {
    TRANTER_NEEDS(virtual_time);
    enqueue(job());
    let_pass(seconds(90));

    EXPECT_EQ(stats().oldest_pending, std::optional(milliseconds(90'000)));
}

TEST_P(QueuesTest, QueuesAreListedByName) {
    const std::string other = new_queue();
    enqueue(job());
    enqueue(other, job());

    const auto all = names();

    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_THAT(all, testing::Contains(queue()));
    EXPECT_THAT(all, testing::Contains(other));
}

TEST_P(QueuesTest, FiguresOfAQueueThatIsNotThereAreNotFound) {
    EXPECT_EQ(code_of(store().stats(queue())), Errc::not_found);
}

// ---- events -----------------------------------------------------------------------------------

TEST_P(QueuesTest, EventsTellTheLifeOfAJob) {
    TRANTER_NEEDS(events);
    EventLog log(queue());
    const auto subscription =
        must(store().subscribe([&log](const JobEvent& event) { log.add(event); }));

    const std::string id = enqueue(job("1", {.retry = at_once()}));
    must(settle(take(), Failed{.type = "E", .text = "e"}));
    complete(take());

    const auto events = log.wait_for(5);
    std::vector<JobState> states;
    for (const JobEvent& one : events) {
        EXPECT_EQ(one.id, id);
        EXPECT_EQ(one.type, "test.job");
        states.push_back(one.state);
    }
    EXPECT_THAT(
        states,
        ElementsAre(
            JobState::pending,
            JobState::processing,
            JobState::failed,
            JobState::processing,
            JobState::completed
        )
    );
    EXPECT_EQ(events.back().attempt, 2U);
    const auto numbers = log.numbers();
    for (std::size_t i = 1; i < numbers.size(); ++i)
        EXPECT_EQ(numbers.at(i), numbers.at(i - 1) + 1);
}

TEST_P(QueuesTest, EventsTellOfDeadAndCancelledJobs) {
    TRANTER_NEEDS(events);
    EventLog log(queue());
    const auto subscription =
        must(store().subscribe([&log](const JobEvent& event) { log.add(event); }));
    enqueue(job());
    must(settle(take(), Dead{.type = "E", .reason = "r"}));
    NewJob later = job();
    later.delay = hours(1);
    must(store().cancel(enqueue(later)));

    const auto events = log.wait_for(5);

    std::vector<JobState> states;
    for (const JobEvent& one : events)
        states.push_back(one.state);
    EXPECT_THAT(
        states,
        ElementsAre(
            JobState::pending,
            JobState::processing,
            JobState::dead,
            JobState::scheduled,
            JobState::cancelled
        )
    );
}

TEST_P(QueuesTest, EventsEndWithTheSubscription) {
    TRANTER_NEEDS(events);
    EventLog ended(queue());
    EventLog other(queue());
    auto subscription =
        must(store().subscribe([&ended](const JobEvent& event) { ended.add(event); }));
    const auto kept =
        must(store().subscribe([&other](const JobEvent& event) { other.add(event); }));
    enqueue(job());
    EXPECT_EQ(ended.wait_for(1).size(), 1U);

    subscription.reset();

    enqueue(job());
    EXPECT_EQ(other.wait_for(2).size(), 2U);
    EXPECT_EQ(ended.wait_for(1).size(), 1U);
}

TEST_P(QueuesTest, AListenerMayCallTheStore) {
    TRANTER_NEEDS(events);
    std::promise<Result<QueueStats>> answer;
    const auto subscription = must(store().subscribe([&](const JobEvent& event) {
        if (event.queue == queue() && event.state == JobState::completed)
            answer.set_value(store().stats(queue()));
    }));
    enqueue(job());

    complete(take());

    auto figures = answer.get_future();
    ASSERT_EQ(figures.wait_for(seconds(20)), std::future_status::ready);
    EXPECT_EQ(must(figures.get()).completed, 1U);
}

}  // namespace
}  // namespace tranter::conformance
