#include "worker/settler.hpp"

#include "base/log.hpp"
#include "worker/test_tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;

/// Answers, and cannot keep the last outcome of a call for the first `refusals` calls.
class CrampedStore final : public NoProvider {
  public:
    explicit CrampedStore(int refusals) : refusals_(refusals) {}

    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement> settlements)
        override {
        std::vector<Result<>> answers(settlements.size());
        if (refusals_-- > 0) answers.back() = fail(Errc::unavailable, "no space left");
        return answers;
    }

  private:
    int refusals_;  // used by the thread that settles
};

TEST(SettlerTest, AStoreThatDoesNotKeepAnOutcomeIsSaidOnceNotToAnswer) {
    start_logging({});  // nothing was said before
    CrampedStore store(4);
    TestTasks tasks;
    Tally tally;
    StoreWatch watch;
    Leases leases(store, {.lease = 1h, .batch_max = 2}, tally, watch);
    Settler settler(
        store,
        {2,
         [] {
             return false;
         }},
        leases,
        tally,
        watch
    );
    const auto some = tasks.make_many(2);
    leases.add(some);
    testing::internal::CaptureStderr();
    for (const auto& task : some)
        settler.push(task, Completed{});

    std::stop_source stop;
    stop.request_stop();
    settler.deliver_all(stop.get_token());

    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(tally.counts(), WorkerCounts{.completed = 2});
    EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
    EXPECT_THAT(text, testing::ContainsRegex("does not answer.*\n.*answers again"));
}

}  // namespace
}  // namespace tranter::worker
