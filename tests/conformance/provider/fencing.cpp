// A receipt is good for one delivery, while its lease lasts. Heartbeats prolong it.
#include "fixture.hpp"

#include <array>

namespace tranter::conformance {
namespace {

class FencingTest : public ProviderTest {
  public:
    Result<Extended> extend(const ReceivedJob& job, milliseconds lease) {
        auto results = must(store().extend(job.queue, {&job.receipt, 1}, lease));
        if (results.size() != 1) throw std::runtime_error("not one result for one receipt");
        return results.front();
    }

    static std::array<AttemptOutcome, 6> outcomes() {
        return {
            Completed{},
            Failed{.type = "E", .text = "e"},
            Released{},
            Snoozed{.after = seconds(5)},
            Dead{.type = "E", .reason = "r"},
            Stopped{}};
    }

    /// Every call that takes a receipt refuses it, with any of these codes.
    void expect_refused(const ReceivedJob& job, const std::vector<Errc>& codes) {
        const auto is_one_of_them = [&codes](std::optional<Errc> code) {
            return code && std::find(codes.begin(), codes.end(), *code) != codes.end();
        };
        for (const AttemptOutcome& outcome : outcomes()) {
            const auto result = settle(job, outcome);
            EXPECT_TRUE(is_one_of_them(code_of(result)))
                << "outcome " << outcome.index() << ": " << message_of(result);
        }
        const auto extended = extend(job, seconds(30));
        EXPECT_TRUE(is_one_of_them(code_of(extended))) << message_of(extended);
        if (can().progress) {
            const std::vector<std::string> lines{"late"};
            EXPECT_TRUE(is_one_of_them(code_of(store().set_progress(job.queue, job.receipt, "1"))));
            EXPECT_TRUE(is_one_of_them(code_of(store().append_log(job.queue, job.receipt, lines))));
        }
        if (can().steps) {
            EXPECT_TRUE(is_one_of_them(
                code_of(store().save_step(job.queue, job.receipt, {.name = "late", .result = "1"}))
            ));
        }
    }
};
TRANTER_FOR_ALL_STORES(FencingTest);

TEST_P(FencingTest, ALateOutcomeIsRefusedAndChangesNothing) {
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob late = take(seconds(1));
    const ReceivedJob current = take();

    expect_refused(late, {Errc::conflict});

    if (can().look_up) {
        EXPECT_EQ(state_of(id), JobState::processing);
    }
    complete(current);
    EXPECT_TRUE(nothing_left());
}

TEST_P(FencingTest, AnOutcomeAfterTheLeaseIsRefusedThoughNobodyElseHasTheJob) {
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob late = take(seconds(1));

    let_pass(milliseconds(1100));

    expect_refused(late, {Errc::conflict});
    EXPECT_EQ(take().attempt, 2U);
}

TEST_P(FencingTest, ADeliveryIsSettledOnce) {
    for (const AttemptOutcome& outcome : outcomes()) {
        const std::string target = new_queue();
        enqueue(target, job("1", {.retry = at_once()}));
        const ReceivedJob got = take(target);
        must(settle(got, outcome));

        expect_refused(got, {Errc::conflict, Errc::not_found});
    }
}

TEST_P(FencingTest, AReceiptOfAnEarlierDeliveryIsOver) {
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob first = take();
    must(settle(first, Released{}));
    const ReceivedJob second = take();

    expect_refused(first, {Errc::conflict});

    complete(second);
    expect_refused(first, {Errc::conflict, Errc::not_found});
}

TEST_P(FencingTest, ReceiptsOfOtherQueuesAreRefused) {
    const std::string other = new_queue();
    enqueue(other, job());
    enqueue(job());
    ReceivedJob foreign = take(other);
    const ReceivedJob own = take();
    foreign.queue = queue();

    expect_refused(foreign, {Errc::conflict, Errc::not_found, Errc::invalid_argument});

    complete(own);
    foreign.queue = other;
    complete(foreign);
}

TEST_P(FencingTest, ReceiptsOfAnotherStoreAreRefused) {
    StoreTest other;
    if (other.open_store(kind()) || other.url() == url()) GTEST_SKIP() << "there is one store";
    other.enqueue(job());
    ReceivedJob foreign = other.take();
    enqueue(job());
    const ReceivedJob own = take();
    foreign.queue = queue();

    expect_refused(foreign, {Errc::conflict, Errc::not_found, Errc::invalid_argument});

    complete(own);
}

TEST_P(FencingTest, GarbageIsRefused) {
    enqueue(job());
    ReceivedJob got = take();
    const std::string good = got.receipt;
    std::string flipped = good;
    flipped.at(flipped.size() / 2) = flipped.at(flipped.size() / 2) == 'A' ? 'B' : 'A';

    for (const std::string& receipt :
         {std::string(),
          std::string("x"),
          flipped,
          good + "A",
          good.substr(0, good.size() - 4),
          std::string(5'000, 'A'),
          std::string("a\0b", 3),
          std::string("\xFF\xFE")}) {
        got.receipt = receipt;
        expect_refused(got, {Errc::conflict, Errc::not_found, Errc::invalid_argument});
    }

    got.receipt = good;
    complete(got);
}

TEST_P(FencingTest, AHeartbeatProlongsTheLease) {
    enqueue(job());
    const ReceivedJob got = take(seconds(1));

    const TimePoint before = now();
    const Extended extended = must(extend(got, minutes(1)));

    EXPECT_GE(extended.lease_until, before + seconds(55));
    EXPECT_LE(extended.lease_until, now() + seconds(65));
    EXPECT_FALSE(extended.cancel_requested);
    let_pass(milliseconds(1200));
    EXPECT_TRUE(nothing_left());
    complete(got);
}

TEST_P(FencingTest, AHeartbeatMayShortenTheLease) {
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob got = take(minutes(5));

    must(extend(got, seconds(1)));

    EXPECT_EQ(take().attempt, 2U);
    expect_refused(got, {Errc::conflict});
}

TEST_P(FencingTest, ManyLeasesAreProlongedAtOnceEachForItself) {
    enqueue_all({job("1"), job("2")});
    const auto jobs = take_many(2);
    const std::vector<std::string> receipts{jobs.at(0).receipt, "nonsense", jobs.at(1).receipt};

    const auto results = must(store().extend(queue(), receipts, minutes(1)));

    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(code_of(results.at(0)), std::nullopt);
    EXPECT_TRUE(code_of(results.at(1)).has_value());
    EXPECT_EQ(code_of(results.at(2)), std::nullopt);
}

TEST_P(FencingTest, ALeaseShorterThanASecondIsRefused) {
    enqueue(job());
    const ReceivedJob got = take();

    const auto results = store().extend(queue(), {&got.receipt, 1}, milliseconds(999));

    if (results) {
        EXPECT_EQ(code_of(results->front()), Errc::invalid_argument);
    } else {
        EXPECT_EQ(code_of(results), Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace tranter::conformance
