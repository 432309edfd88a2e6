#include "worker/asking.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

class AskingTest : public testing::Test {
  public:
    ~AskingTest() override = default;

  protected:
    bool distribute(std::size_t free, std::size_t most = any_number) {
        return asking_->distribute(free, now_, [&](std::size_t) { return most; });
    }
    void use(std::vector<unsigned> weights, QueueOrder order = QueueOrder::weighted) {
        const std::size_t count = weights.size();
        asking_.emplace(std::move(weights), order);
        for (std::size_t queue = 0; queue < count; ++queue)
            asking_->want(queue);
    }
    std::size_t jobs_of(std::size_t queue) { return asking_->take(queue).value_or(Grant()).jobs; }
    void make_empty(std::size_t queue) {
        (void)asking_->take(queue);
        asking_->answered(queue, 0);
        asking_->want(queue);
    }

    const Moment now_ = Steady::now();
    std::optional<Asking> asking_;
};

TEST_F(AskingTest, AQueueThatIsAloneGetsEverythingAndWaitsAtTheStore) {
    use({1});

    ASSERT_TRUE(distribute(7));

    const auto grant = asking_->take(0);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->jobs, 7);
    EXPECT_TRUE(grant->may_wait);
    EXPECT_FALSE(asking_->take(0));
}

TEST_F(AskingTest, NobodyIsAskedForMoreThanItMay) {
    use({1});

    ASSERT_TRUE(distribute(7, 3));

    EXPECT_EQ(jobs_of(0), 3);
    asking_->want(0);
    EXPECT_FALSE(distribute(7, 0));
}

TEST_F(AskingTest, WhileAllHaveMoreTheyShareByWeightAndRoomIsKept) {
    use({3, 1});

    ASSERT_TRUE(distribute(8));

    EXPECT_EQ(asking_->kept(), 8);
    const auto heavy = asking_->take(0);
    ASSERT_TRUE(heavy);
    EXPECT_EQ(heavy->jobs, 6);
    EXPECT_FALSE(heavy->may_wait);
    EXPECT_EQ(jobs_of(1), 2);
    asking_->answered(0, 6);
    asking_->answered(1, 2);
    EXPECT_EQ(asking_->kept(), 0);
}

TEST_F(AskingTest, OneByOneTheSharesAreTheSame) {
    use({3, 1});
    std::vector<int> turns(2);

    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(distribute(1));
        for (const std::size_t queue : {0U, 1U}) {
            if (jobs_of(queue) == 0) continue;
            ++turns[queue];
            asking_->answered(queue, 1);
            asking_->want(queue);
        }
    }

    EXPECT_EQ(turns, (std::vector{30, 10}));
}

TEST_F(AskingTest, ForAnEmptyQueueNoRoomIsKept) {
    use({1, 1});
    ASSERT_TRUE(distribute(4));
    make_empty(1);
    asking_->answered(0, 2);
    asking_->want(0);
    (void)asking_->take(0);

    ASSERT_TRUE(distribute(10));

    const auto waiting = asking_->take(1);
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->jobs, 2);
    EXPECT_TRUE(waiting->may_wait);
    EXPECT_EQ(asking_->kept(), 0);
    asking_->want(0);
    ASSERT_TRUE(distribute(10));
    EXPECT_EQ(jobs_of(0), 10);
}

TEST_F(AskingTest, AnEmptyQueueAsksWhileAnotherTakesAllThatIsFree) {
    use({1, 1});
    ASSERT_TRUE(distribute(2));
    make_empty(1);
    (void)asking_->take(0);
    asking_->answered(0, 1);
    asking_->want(0);

    ASSERT_TRUE(distribute(1));

    EXPECT_EQ(jobs_of(0), 1);
    EXPECT_EQ(jobs_of(1), 1);
}

TEST_F(AskingTest, InStrictOrderAnEmptyQueueAsksBeforeThoseBehindIt) {
    use({1, 1, 1}, QueueOrder::strict);
    make_empty(0);
    make_empty(2);

    ASSERT_TRUE(distribute(1));

    EXPECT_EQ(jobs_of(0), 1);
    EXPECT_EQ(jobs_of(1), 1);
    EXPECT_EQ(jobs_of(2), 0);
}

TEST_F(AskingTest, InStrictOrderTheFirstGetsAllAndTheNextWhatItLeaves) {
    use({1, 1}, QueueOrder::strict);

    ASSERT_TRUE(distribute(4));
    EXPECT_EQ(jobs_of(1), 0);
    EXPECT_EQ(jobs_of(0), 4);

    // It may have more, and will say so soon.
    EXPECT_FALSE(distribute(4));
    asking_->answered(0, 3);
    ASSERT_TRUE(distribute(1));
    EXPECT_EQ(jobs_of(1), 1);
}

TEST_F(AskingTest, InStrictOrderAQueueAtItsLimitHoldsNobodyUp) {
    use({1, 1}, QueueOrder::strict);
    const auto most = [](std::size_t queue) {
        return queue == 0 ? std::size_t{1} : std::size_t{9};
    };

    ASSERT_TRUE(asking_->distribute(4, now_, most));

    EXPECT_EQ(jobs_of(0), 1);
    EXPECT_EQ(jobs_of(1), 3);
}

TEST_F(AskingTest, WhoRestsIsNotAsked) {
    use({1, 1}, QueueOrder::strict);
    asking_->rest(0, now_ + 1ms);

    ASSERT_TRUE(distribute(4));

    EXPECT_EQ(jobs_of(0), 0);
    EXPECT_EQ(jobs_of(1), 4);
    EXPECT_TRUE(asking_->distribute(4, now_ + 1ms, [](std::size_t) { return any_number; }));
    EXPECT_EQ(jobs_of(0), 4);
}

}  // namespace
}  // namespace tranter::worker
