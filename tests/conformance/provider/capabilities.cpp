// What a store says it cannot do is refused with a sentence that names the provider, and never
// ignored.
#include "fixture.hpp"

#include <array>

namespace tranter::conformance {
namespace {

constexpr std::string_view some_id = "6f1f0c1e-8b0b-4c53-9d6a-0f5d5c9a7a11";

class CapabilitiesTest : public ProviderTest {
  public:
    template <class T>
    void expect_unsupported(const Result<T>& result, std::string_view what) {
        ASSERT_FALSE(result) << what << " was not refused";
        EXPECT_EQ(result.error().code(), Errc::unsupported) << what << ": " << message_of(result);
        EXPECT_NE(message_of(result).find(store().name()), std::string::npos)
            << what << " does not name the provider: " << message_of(result);
    }

    void expect_enqueue_unsupported(const JobOptions& options, std::string_view what) {
        expect_unsupported(try_enqueue({job("1", options)}), what);
        EXPECT_TRUE(no_jobs_of_queue()) << what;
    }

    /// Also true when the refusal left no queue behind.
    bool no_jobs_of_queue() {
        const auto jobs = store().receive({.queue = queue()});
        return jobs ? jobs->empty() : jobs.error().code() == Errc::not_found;
    }
};
TRANTER_FOR_ALL_STORES(CapabilitiesTest);

TEST_P(CapabilitiesTest, NamesItself) {
    const std::string_view name = store().name();

    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(kind().name.starts_with(name)) << name;
    EXPECT_EQ(url().substr(0, url().find(':')), name);
}

TEST_P(CapabilitiesTest, AreConsistent) {
    EXPECT_GE(can().batch_max, 1U);
    EXPECT_LE(can().batch_max, jobs_per_call_max);
    EXPECT_EQ(can().virtual_time, store().virtual_time() != nullptr);
    EXPECT_EQ(can().virtual_time, kind().options.virtual_time);
    EXPECT_FALSE(can().history && !can().look_up);
}

TEST_P(CapabilitiesTest, LookUpOrRefused) {
    if (can().look_up) GTEST_SKIP() << "it can";
    enqueue(job());

    expect_unsupported(store().find(some_id), "find");
    expect_unsupported(store().cancel(some_id), "cancel");
    expect_unsupported(store().retry(some_id), "retry");
    expect_unsupported(store().promote(some_id), "promote");
    expect_unsupported(store().remove(some_id), "remove");
    expect_unsupported(store().wait(some_id, milliseconds(0)), "wait");
    expect_unsupported(store().log_of(some_id), "log_of");
    EXPECT_EQ(take().attempt, 1U);
}

TEST_P(CapabilitiesTest, ListOrRefused) {
    if (can().list) GTEST_SKIP() << "it can";

    expect_unsupported(store().list({}), "list");
}

TEST_P(CapabilitiesTest, PrioritiesOrRefused) {
    if (can().priorities) GTEST_SKIP() << "it can";

    expect_enqueue_unsupported({.priority = 0}, "priority");
    enqueue(job("1", {.priority = priority_default}));
}

TEST_P(CapabilitiesTest, DedupModesOrRefused) {
    if (can().dedup) GTEST_SKIP() << "it can";
    constexpr std::array modes{
        DedupMode::simple, DedupMode::throttle, DedupMode::debounce, DedupMode::keep_latest};

    for (const DedupMode mode : modes) {
        const bool timed = mode == DedupMode::throttle || mode == DedupMode::debounce;
        const Dedup dedup{.key = "k", .mode = mode, .ttl = seconds(timed ? 60 : 0)};
        expect_enqueue_unsupported({.dedup = dedup}, "dedup");
    }
}

TEST_P(CapabilitiesTest, ProgressOrRefused) {
    if (can().progress) GTEST_SKIP() << "it can";
    enqueue(job());
    const ReceivedJob one = take();
    const std::vector<std::string> lines{"a line"};

    expect_unsupported(store().set_progress(queue(), one.receipt, "1"), "set_progress");
    expect_unsupported(store().append_log(queue(), one.receipt, lines), "append_log");
}

TEST_P(CapabilitiesTest, StepsOrRefused) {
    if (can().steps) GTEST_SKIP() << "it can";
    enqueue(job());
    const ReceivedJob one = take();

    expect_unsupported(
        store().save_step(queue(), one.receipt, {.name = "s", .result = "1"}), "save_step"
    );
}

TEST_P(CapabilitiesTest, PauseOrRefused) {
    if (can().pause) GTEST_SKIP() << "it can";
    enqueue(job());

    expect_unsupported(store().set_paused(queue(), true), "set_paused");
    EXPECT_EQ(take().attempt, 1U);
}

TEST_P(CapabilitiesTest, WorkersOrRefused) {
    if (can().workers) GTEST_SKIP() << "it can";

    expect_unsupported(store().workers(), "workers");
}

TEST_P(CapabilitiesTest, LimitsOrRefused) {
    if (can().limits) GTEST_SKIP() << "it can";
    enqueue(job());

    expect_unsupported(store().set_limits(queue(), {.max_in_flight = 1}), "set_limits");
}

TEST_P(CapabilitiesTest, EventsOrRefused) {
    if (can().events) GTEST_SKIP() << "it can";

    expect_unsupported(store().subscribe([](const JobEvent&) {}), "subscribe");
}

TEST_P(CapabilitiesTest, DelaysUpToTheirLimitOrRefused) {
    if (can().delay_max == milliseconds(0)) GTEST_SKIP() << "any";
    NewJob later = job("\"later\"");
    later.delay = can().delay_max + seconds(1);
    NewJob at = job("\"at\"");
    at.run_at = now() + can().delay_max + minutes(1);

    expect_unsupported(try_enqueue({later}), "a delay beyond delay_max");
    expect_unsupported(try_enqueue({at}), "a run_at beyond delay_max");
    EXPECT_TRUE(no_jobs_of_queue());

    later.delay = can().delay_max;
    enqueue(later);
    EXPECT_TRUE(nothing_left());
}

TEST_P(CapabilitiesTest, KeepsGroupsItCannotActOn) {
    if (can().groups) GTEST_SKIP() << "it acts on them";
    enqueue(job("1", {.group = "acme"}));

    EXPECT_EQ(take().options.group, "acme");
}

TEST_P(CapabilitiesTest, KeepsDeadlinesItCannotActOnOrRefusesThem) {
    if (can().ttl) GTEST_SKIP() << "it acts on them";
    const auto answer = try_enqueue({job("1", {.ttl = minutes(5)})});

    if (answer) {
        EXPECT_EQ(take().options.ttl, minutes(5));
    } else {
        expect_unsupported(answer, "ttl");
    }
}

}  // namespace
}  // namespace tranter::conformance
