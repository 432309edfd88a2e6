// The same job does not stand in a queue twice, in four modes.
#include "fixture.hpp"

namespace tranter::conformance {
namespace {

class DedupTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (!can().dedup) GTEST_SKIP() << kind().name << " has no dedup";
    }

    NewJob keyed(std::string payload, DedupMode mode, milliseconds ttl = {}) const {
        return job(
            std::move(payload),
            {.retry = at_once(), .dedup = Dedup{.key = "k", .mode = mode, .ttl = ttl}}
        );
    }

    /// The answer for one job.
    Enqueued ask(const NewJob& one) { return must(try_enqueue({one})).front(); }

    void expect_new(const NewJob& one) { EXPECT_EQ(ask(one).duplicate_of, ""); }
    void expect_duplicate(const NewJob& one, const std::string& of) {
        const Enqueued answer = ask(one);
        EXPECT_EQ(answer.duplicate_of, of);
        EXPECT_EQ(answer.id, of);
    }
};
TRANTER_FOR_ALL_STORES(DedupTest);

TEST_P(DedupTest, SimpleRefusesWhileTheJobWaits) {
    const std::string id = ask(keyed("1", DedupMode::simple)).id;

    expect_duplicate(keyed("2", DedupMode::simple), id);

    EXPECT_EQ(take().payload, "1");
    EXPECT_TRUE(nothing_left());
}

TEST_P(DedupTest, SimpleRefusesWhileTheJobRunsOrWaitsForItsNextAttempt) {
    NewJob first = keyed("1", DedupMode::simple);
    first.options.retry = {.max_attempts = 2, .base = hours(1), .max = hours(1)};
    const std::string id = ask(first).id;
    const ReceivedJob running = take();

    expect_duplicate(keyed("2", DedupMode::simple), id);
    must(settle(running, Failed{.type = "E", .text = "later"}));
    expect_duplicate(keyed("3", DedupMode::simple), id);

    EXPECT_EQ(stats().scheduled, 1U);
    EXPECT_EQ(stats().pending, 0U);
}

TEST_P(DedupTest, SimpleTakesAnotherOnceTheJobIsFinished) {
    for (const AttemptOutcome& outcome :
         {AttemptOutcome(Completed{}),
          AttemptOutcome(Dead{.type = "E", .reason = "no"}),
          AttemptOutcome(Stopped{})}) {
        expect_new(keyed("1", DedupMode::simple));
        must(settle(take(), outcome));
    }
    const std::string cancelled = ask(keyed("1", DedupMode::simple)).id;
    must(store().cancel(cancelled));

    expect_new(keyed("2", DedupMode::simple));
}

TEST_P(DedupTest, KeysAreOfOneQueue) {
    expect_new(keyed("1", DedupMode::simple));
    NewJob other_key = keyed("2", DedupMode::simple);
    other_key.options.dedup = Dedup{.key = "K"};
    expect_new(other_key);

    const NewJob elsewhere = keyed("3", DedupMode::simple);
    const auto answer = must(store().enqueue(new_queue(), {&elsewhere, 1}));

    EXPECT_EQ(answer.front().duplicate_of, "");
}

TEST_P(DedupTest, OneCallMayHoldTheSameKeyTwice) {
    const auto answers =
        must(try_enqueue({keyed("1", DedupMode::simple), job("2"), keyed("3", DedupMode::simple)}));

    EXPECT_EQ(answers.at(0).duplicate_of, "");
    EXPECT_EQ(answers.at(1).duplicate_of, "");
    EXPECT_EQ(answers.at(2).duplicate_of, answers.at(0).id);
    EXPECT_EQ(take_many(2).size(), 2U);
    EXPECT_TRUE(nothing_left());
}

TEST_P(DedupTest, ThrottleRefusesWhateverBecameOfTheJob) {
    const NewJob one = keyed("1", DedupMode::throttle, minutes(5));
    const std::string id = ask(one).id;

    expect_duplicate(one, id);
    complete(take());
    expect_duplicate(one, id);

    EXPECT_TRUE(nothing_left());
}

TEST_P(DedupTest, ThrottleEndsWithItsTime) {
    const NewJob one = keyed("1", DedupMode::throttle, milliseconds(200));
    const std::string id = ask(one).id;

    let_pass(milliseconds(250));

    const Enqueued second = ask(one);
    EXPECT_EQ(second.duplicate_of, "");
    EXPECT_NE(second.id, id);
}

TEST_P(DedupTest, ThrottleCountsFromTheFirstEnqueue) {
    TRANTER_NEEDS(virtual_time);
    const NewJob one = keyed("1", DedupMode::throttle, seconds(10));
    const std::string id = ask(one).id;
    let_pass(seconds(9));
    expect_duplicate(one, id);

    let_pass(seconds(2));

    expect_new(one);
}

TEST_P(DedupTest, DebounceTakesTheNewPayload) {
    NewJob one = keyed("1", DedupMode::debounce);
    one.delay = seconds(30);
    const std::string id = ask(one).id;
    one.payload = "2";
    one.delay = milliseconds(0);

    expect_duplicate(one, id);

    const ReceivedJob got = take();
    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.payload, "2");
    EXPECT_TRUE(nothing_left());
}

TEST_P(DedupTest, DebounceWaitsForTheNewDelay) {
    NewJob one = keyed("1", DedupMode::debounce);
    one.delay = milliseconds(100);
    const std::string id = ask(one).id;
    one.payload = "2";
    one.delay = hours(1);
    expect_duplicate(one, id);

    let_pass(milliseconds(200));

    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(state_of(id), JobState::scheduled);
    EXPECT_EQ(find(id).payload, "2");
}

TEST_P(DedupTest, DebounceWaitsNoLongerThanItsTtl) {
    NewJob one = keyed("1", DedupMode::debounce, milliseconds(300));
    one.delay = milliseconds(250);
    const TimePoint before = now();
    const std::string id = ask(one).id;
    one.payload = "2";
    one.delay = hours(1);
    expect_duplicate(one, id);

    const ReceivedJob got = take();

    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.payload, "2");
    EXPECT_GE(now() - before, milliseconds(300));
}

TEST_P(DedupTest, DebounceDoesNotCountTheOneThatRuns) {
    const std::string running = ask(keyed("1", DedupMode::debounce)).id;
    const ReceivedJob first = take();

    const std::string waiting = ask(keyed("2", DedupMode::debounce)).id;

    EXPECT_NE(waiting, running);
    expect_duplicate(keyed("3", DedupMode::debounce), waiting);
    EXPECT_EQ(first.payload, "1");
    EXPECT_EQ(take().payload, "3");
}

TEST_P(DedupTest, KeepLatestReplacesTheOneThatWaits) {
    NewJob one = keyed("1", DedupMode::keep_latest);
    one.options.tags = {"old"};
    const std::string id = ask(one).id;
    one.payload = "2";
    one.options.tags = {"new"};

    expect_duplicate(one, id);

    const ReceivedJob got = take();
    EXPECT_EQ(got.payload, "2");
    EXPECT_THAT(got.options.tags, testing::ElementsAre("new"));
    EXPECT_TRUE(nothing_left());
}

TEST_P(DedupTest, KeepLatestHasOneRunningAndOneWaitingAtMost) {
    ask(keyed("1", DedupMode::keep_latest));
    const ReceivedJob running = take();
    const std::string waiting = ask(keyed("2", DedupMode::keep_latest)).id;
    expect_duplicate(keyed("3", DedupMode::keep_latest), waiting);

    EXPECT_TRUE(nothing_left()) << "the second ran beside the first";
    EXPECT_EQ(state_of(waiting), JobState::pending);
    EXPECT_EQ(stats().pending, 1U);

    complete(running);
    EXPECT_EQ(take().payload, "3");
    EXPECT_TRUE(nothing_left());
}

TEST_P(DedupTest, KeepLatestBeginsTheNextHoweverTheOneThatRunsEnds) {
    for (const AttemptOutcome& outcome :
         {AttemptOutcome(Completed{}),
          AttemptOutcome(Dead{.type = "E", .reason = "no"}),
          AttemptOutcome(Stopped{})}) {
        ask(keyed("1", DedupMode::keep_latest));
        const ReceivedJob running = take();
        ask(keyed("2", DedupMode::keep_latest));
        EXPECT_TRUE(nothing_left());

        must(settle(running, outcome));

        const ReceivedJob next = take();
        EXPECT_EQ(next.payload, "2");
        complete(next);
    }
}

TEST_P(DedupTest, KeepLatestDoesNotHoldBackOtherKeys) {
    ask(keyed("1", DedupMode::keep_latest));
    const ReceivedJob running = take();
    ask(keyed("2", DedupMode::keep_latest));
    NewJob other = keyed("3", DedupMode::keep_latest);
    other.options.dedup->key = "K";
    ask(other);
    ask(job("4"));

    EXPECT_EQ(take_many(2).size(), 2U);
    EXPECT_TRUE(nothing_left());
    complete(running);
    EXPECT_EQ(take().payload, "2");
}

}  // namespace
}  // namespace tranter::conformance
