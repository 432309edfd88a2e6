// Jobs for later are never early; jobs with an end are not run after it.
#include "fixture.hpp"

namespace tranter::conformance {
namespace {

class DelayTest : public ProviderTest {
  public:
    /// A delay that this store keeps exactly, and that tests can afford.
    milliseconds soon() const { return std::max(milliseconds(300), grain()); }

    NewJob delayed(std::string payload, milliseconds delay) const {
        NewJob later = job(std::move(payload));
        later.delay = delay;
        return later;
    }

    void expect_dropped(const std::string& id) {
        EXPECT_TRUE(nothing_left());
        expect_ended(id, JobState::cancelled);
        if (!can().history) return;
        const JobRecord record = finished(id);
        EXPECT_EQ(record.reason, "expired");
        EXPECT_EQ(record.attempt, 0U);
        EXPECT_TRUE(record.finished_at.has_value());
    }
};
TRANTER_FOR_ALL_STORES(DelayTest);

TEST_P(DelayTest, ADelayedJobIsNeverEarly) {
    const TimePoint before = now();
    const std::string id = enqueue(delayed("1", soon()));

    const ReceivedJob got = take();

    EXPECT_EQ(got.id, id);
    EXPECT_GE(now() - before, soon());
}

TEST_P(DelayTest, ARunAtIsNeverEarly) {
    NewJob later = job();
    const TimePoint due = std::chrono::ceil<milliseconds>(now() + soon());
    later.run_at = due;
    enqueue(later);

    take();

    EXPECT_GE(now(), due);
}

TEST_P(DelayTest, ARunAtInThePastIsNow) {
    NewJob late = job();
    late.run_at = now() - hours(1);
    const std::string id = enqueue(late);

    EXPECT_EQ(receive({.queue = queue()}).size(), 1U) << id;
}

TEST_P(DelayTest, TheShorterDelayComesFirst) {
    enqueue_all({delayed("\"third\"", 2 * soon()), delayed("\"second\"", soon()), job("\"first\"")}
    );

    EXPECT_EQ(take().payload, "\"first\"");
    EXPECT_EQ(take().payload, "\"second\"");
    EXPECT_EQ(take().payload, "\"third\"");
}

TEST_P(DelayTest, ADelayedJobIsShownAsScheduled) {
    TRANTER_NEEDS(look_up);
    const TimePoint before = now();
    const std::string id = enqueue(delayed("1", hours(2)));

    const JobRecord record = find(id);

    EXPECT_EQ(record.state, JobState::scheduled);
    EXPECT_EQ(record.attempt, 0U);
    ASSERT_TRUE(record.run_at.has_value());
    EXPECT_GE(record.run_at.value_or(TimePoint{}), before + hours(2) - seconds(5));
    EXPECT_LE(record.run_at.value_or(TimePoint{}), now() + hours(2) + seconds(5));
    EXPECT_EQ(stats().scheduled, 1U);
}

TEST_P(DelayTest, KeepsADelayOfAYear) {
    if (can().delay_max != milliseconds(0)) GTEST_SKIP() << "not that long";
    const std::string id = enqueue(delayed("1", hours(24 * 365)));

    EXPECT_TRUE(nothing_left());
    if (can().look_up) {
        EXPECT_GT(find(id).run_at.value_or(TimePoint{}), now() + hours(24 * 364));
    }
}

TEST_P(DelayTest, AJobOlderThanItsTtlIsDropped) {
    TRANTER_NEEDS(ttl);
    must(store().set_paused(queue(), true));
    const std::string id = enqueue(job("1", {.ttl = milliseconds(200)}));

    let_pass(milliseconds(250));

    expect_dropped(id);
}

TEST_P(DelayTest, AJobPastItsDeadlineIsDropped) {
    TRANTER_NEEDS(ttl);
    must(store().set_paused(queue(), true));
    const std::string id = enqueue(job("1", {.deadline = now() + milliseconds(200)}));

    let_pass(milliseconds(250));
    must(store().set_paused(queue(), false));

    expect_dropped(id);
}

TEST_P(DelayTest, TheEarlierOfTtlAndDeadlineCounts) {
    TRANTER_NEEDS(ttl);
    must(store().set_paused(queue(), true));
    const auto ids = enqueue_all(
        {job("1", {.ttl = milliseconds(200), .deadline = now() + hours(1)}),
         job("2", {.ttl = hours(1), .deadline = now() + milliseconds(200)})}
    );

    let_pass(milliseconds(250));

    expect_dropped(ids.at(0));
    expect_dropped(ids.at(1));
}

TEST_P(DelayTest, ADeadlineInThePastDropsTheJobAtOnce) {
    TRANTER_NEEDS(ttl);
    const auto answers = try_enqueue({job("1", {.deadline = now() - seconds(1)})});

    if (answers) {
        expect_dropped(answers->front().id);
    } else {
        EXPECT_EQ(code_of(answers), Errc::invalid_argument) << message_of(answers);
    }
}

TEST_P(DelayTest, ADeadlineDoesNotEndAnAttemptThatHasBegun) {
    TRANTER_NEEDS(virtual_time);  // in real time the test might begin the attempt too late
    const std::string id = enqueue(job("1", {.ttl = milliseconds(300)}));
    const ReceivedJob got = take();

    let_pass(milliseconds(400));

    EXPECT_EQ(state_of(id), JobState::processing);
    complete(got, "\"done\"");
    expect_ended(id, JobState::completed);
}

}  // namespace
}  // namespace tranter::conformance
