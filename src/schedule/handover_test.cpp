#include "schedule/handover.hpp"

#include "jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>
#include <vector>

namespace tranter::schedule {
namespace {

/// Takes the jobs of a call one after the other, up to the first that it refuses, and then answers
/// for none of them.
class PartlyTaking final : public NoProvider {
  public:
    explicit PartlyTaking(bool is_atomic) { can.atomic_batch = is_atomic; }

    Result<std::vector<Enqueued>> enqueue(std::string_view, std::span<const NewJob> jobs) override {
        now += takes;
        ++calls;
        std::vector<Enqueued> out;
        for (const NewJob& job : jobs) {
            if (job.type == "refused") return fail(Errc::limit_exceeded, "it is too large");
            if (!can.atomic_batch || jobs.size() == 1) ++taken[job.id];
            out.push_back({.id = job.id});
        }
        if (can.atomic_batch && jobs.size() > 1) {
            for (const NewJob& job : jobs)
                ++taken[job.id];
        }
        return out;
    }

    std::map<std::string, int> taken;
    TimePoint now{};
    std::chrono::seconds takes{};
    int calls = 0;
};

/// By a clock that stands still between the calls.
std::vector<HandedOver> hand_over_to(PartlyTaking& provider, std::span<const Parcel> parcels) {
    return hand_over(provider, parcels, [&] { return provider.now; });
}

std::vector<Parcel> parcels_with_one_refused(std::size_t count, std::size_t refused) {
    std::vector<Parcel> parcels;
    for (std::size_t i = 0; i < count; ++i) {
        NewJob job{
            .id = fmt::format("00000000-0000-4000-8000-{:012}", i),
            .type = i == refused ? "refused" : "mail"};
        parcels.push_back({.queue = "q", .job = std::move(job)});
    }
    return parcels;
}

std::size_t taken_twice(const PartlyTaking& provider) {
    std::size_t count = 0;
    for (const auto& [id, times] : provider.taken)
        count += times > 1 ? 1 : 0;
    return count;
}

TEST(HandoverTest, ARefusedJobIsTheOnlyOneThatFails) {
    for (const bool is_atomic : {true, false}) {
        PartlyTaking provider(is_atomic);

        const auto handed = hand_over_to(provider, parcels_with_one_refused(500, 400));

        ASSERT_EQ(handed.size(), 500U);
        for (std::size_t i = 0; i < handed.size(); ++i) {
            EXPECT_TRUE(handed[i].begun);
            EXPECT_EQ(handed[i].answer.has_value(), i != 400) << i;
        }
        EXPECT_EQ(provider.taken.size(), 499U);
    }
}

/// Takes some jobs of a call and not others, but refuses a call whole in which one is malformed.
class RefusingCalls final : public NoProvider {
  public:
    RefusingCalls() { can.partial_batch = 10; }

    std::vector<Result<Enqueued>> enqueue_each(std::string_view, std::span<const NewJob> jobs)
        override {
        const bool is_good =
            std::ranges::none_of(jobs, [](const NewJob& job) { return job.type == "refused"; });
        std::vector<Result<Enqueued>> out;
        for (const NewJob& job : jobs) {
            if (is_good)
                out.emplace_back(Enqueued{.id = job.id});
            else
                out.emplace_back(fail(Errc::invalid_argument, "one of them is malformed"));
        }
        return out;
    }
};

TEST(HandoverTest, OneJobOfACallThatIsRefusedWholeIsTheOnlyOneThatFails) {
    RefusingCalls provider;

    const auto handed =
        hand_over(provider, parcels_with_one_refused(10, 4), [] { return TimePoint(); });

    for (std::size_t i = 0; i < handed.size(); ++i)
        EXPECT_EQ(handed[i].answer.has_value(), i != 4) << i;
}

TEST(HandoverTest, NoneIsTakenTwiceWhateverACallIs) {
    for (const bool is_atomic : {true, false}) {
        PartlyTaking provider(is_atomic);

        hand_over_to(provider, parcels_with_one_refused(500, 409));

        EXPECT_EQ(taken_twice(provider), 0U);
    }
}

TEST(HandoverTest, NoCallBeginsWhenItsTimeIsOver) {
    using namespace std::chrono_literals;
    for (const bool is_atomic : {true, false}) {
        PartlyTaking provider(is_atomic);
        provider.takes = 2s;
        auto parcels = parcels_with_one_refused(5000, 9999);
        for (Parcel& parcel : parcels)
            parcel.begin_before = TimePoint(5s);

        const auto handed = hand_over_to(provider, parcels);

        EXPECT_EQ(provider.calls, 3);
        std::size_t begun = 0;
        for (const HandedOver& one : handed)
            begun += one.begun ? 1 : 0;
        EXPECT_EQ(begun, provider.taken.size());
        EXPECT_EQ(begun, is_atomic ? 3000U : 3U);
        EXPECT_EQ(taken_twice(provider), 0U);
    }
}

TEST(HandoverTest, NothingMoreIsBegunWhenTheClockIsSetBack) {
    PartlyTaking provider(true);
    provider.now = TimePoint(std::chrono::hours(1));
    provider.takes = std::chrono::seconds(-1);

    hand_over_to(provider, parcels_with_one_refused(5000, 9999));

    EXPECT_EQ(provider.calls, 1);
}

}  // namespace
}  // namespace tranter::schedule
