#include "schedule/handover.hpp"

#include "jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string_view>
#include <vector>

namespace tranter::schedule {
namespace {

/// Takes the jobs of a call one after the other, up to the first that it refuses, and then answers
/// for none of them, as SQS does.
class PartlyTaking final : public NoProvider {
  public:
    explicit PartlyTaking(bool is_atomic) { can.atomic_batch = is_atomic; }

    Result<std::vector<Enqueued>> enqueue(std::string_view, std::span<const NewJob> jobs) override {
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
};

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

        const auto answers = hand_over(provider, parcels_with_one_refused(500, 400));

        ASSERT_EQ(answers.size(), 500U);
        for (std::size_t i = 0; i < answers.size(); ++i)
            EXPECT_EQ(answers[i].has_value(), i != 400) << i;
        EXPECT_EQ(provider.taken.size(), 499U);
    }
}

TEST(HandoverTest, FewAreTakenTwiceWhenACallIsNotAllOrNothing) {
    PartlyTaking provider(false);

    hand_over(provider, parcels_with_one_refused(500, 409));

    EXPECT_EQ(taken_twice(provider), 9U);
}

TEST(HandoverTest, NoneIsTakenTwiceWhenACallIsAllOrNothing) {
    PartlyTaking provider(true);

    hand_over(provider, parcels_with_one_refused(500, 409));

    EXPECT_EQ(taken_twice(provider), 0U);
}

}  // namespace
}  // namespace tranter::schedule
