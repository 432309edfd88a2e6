#include "worker/waiting.hpp"

#include "worker/test_tasks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;

class WaitingTest : public testing::Test {
  public:
    ~WaitingTest() override = default;

  protected:
    void add(std::string id, JobOptions options = {}, std::size_t queue = 0) {
        waiting_->add(tasks_.make(std::move(id), std::move(options)), queue, now_);
    }
    void add_limited(std::string id, std::string group = {}, std::size_t queue = 0) {
        waiting_->add(
            tasks_.make(std::move(id), {.group = std::move(group)}, &limited_), queue, now_
        );
    }
    /// The ids of what may begin, all of which begin and none of which ends.
    std::string begin_all() {
        std::string ids;
        while (waiting_->is_ready()) {
            begun_.push_back(waiting_->take());
            ids += begun_.back().task->job().id;
        }
        return ids;
    }
    void end(const std::string& id) {
        const auto is_it = [&](const Work& work) {
            return work.task->job().id == id;
        };
        const auto found = std::ranges::find_if(begun_, is_it);
        ASSERT_NE(found, begun_.end()) << id;
        waiting_->ended(*found->task, now_);
        begun_.erase(found);
    }
    void limit(Waiting::Config config) { waiting_.emplace(config); }

    TestTasks tasks_;
    const Registry::Entry limited_{.run = {}, .options = {.concurrency = 2}};
    Moment now_ = Steady::now();
    std::optional<Waiting> waiting_{Waiting::Config{.queues = {"a"}}};
    std::vector<Work> begun_;
};

TEST_F(WaitingTest, WithoutLimitsTheFirstComesFirst) {
    for (const char* id : {"1", "2", "3"})
        add(id);

    EXPECT_EQ(begin_all(), "123");
}

TEST_F(WaitingTest, GroupsTakeTurns) {
    for (const char* id : {"1", "2", "3"})
        add(id, {.group = "big"});
    add("4", {.group = "small"});
    add("5");

    EXPECT_EQ(begin_all(), "14523");
}

TEST_F(WaitingTest, AFullGroupKeepsNobodyElseFromBeginning) {
    limit({.queues = {"a"}, .group_concurrency = 1});
    for (const char* id : {"1", "2", "3"})
        add(id, {.group = "big"});
    add("4", {.group = "small"});
    add("5");
    add("6");

    EXPECT_EQ(begin_all(), "1456");
    EXPECT_EQ(waiting_->blocked(), 2);
    EXPECT_EQ(waiting_->ready_runs(), 0);

    end("1");
    EXPECT_EQ(begin_all(), "2");
    end("4");
    EXPECT_EQ(begin_all(), "");
}

TEST_F(WaitingTest, AGroupCountsOverAllQueues) {
    limit({.queues = {"a", "b"}, .group_concurrency = 1});
    add("1", {.group = "x"}, 0);
    add("2", {.group = "x"}, 1);

    EXPECT_EQ(begin_all(), "1");
    end("1");
    EXPECT_EQ(begin_all(), "2");
}

TEST_F(WaitingTest, AQueueAndAHandlerHaveTheirLimits) {
    limit({.queues = {{"a", 1, 1}, "b"}});
    add("1");
    add("2");
    for (const char* id : {"3", "4", "5"})
        add_limited(id, "", 1);

    EXPECT_EQ(begin_all(), "134");
    end("1");
    EXPECT_EQ(begin_all(), "2");
    end("3");
    EXPECT_EQ(begin_all(), "5");
}

TEST_F(WaitingTest, APlaceGoesToTheGroupThatHasTheFewest) {
    for (const char* id : {"1", "2", "3", "4"})
        add_limited(id, "big");
    add_limited("5", "small");

    EXPECT_EQ(begin_all(), "12");
    end("1");
    EXPECT_EQ(begin_all(), "5");
    end("5");
    EXPECT_EQ(begin_all(), "3");
}

TEST_F(WaitingTest, InStrictOrderAPlaceGoesToTheFirstQueue) {
    limit({.queues = {"a", "b"}, .order = QueueOrder::strict});
    for (const char* id : {"1", "2", "3"})
        add_limited(id, "", 1);
    now_ += 1s;
    add_limited("4", "", 0);

    EXPECT_EQ(begin_all(), "12");
    end("1");
    EXPECT_EQ(begin_all(), "4");
}

TEST_F(WaitingTest, QueuesBeginInTheProportionOfTheirWeights) {
    limit({.queues = {{"a", 3}, {"b", 1}}});
    for (int i = 0; i < 8; ++i) {
        add("a", {}, 0);
        add("b", {}, 1);
    }

    EXPECT_EQ(begin_all().substr(0, 8), "aabaaaba");
}

TEST_F(WaitingTest, AJobHasOnePlaceHoweverManyRunsItHas) {
    limit({.queues = {{"a", 1, 1}}});
    add("1", {.runs = 3});
    add("2");

    EXPECT_EQ(begin_all(), "111");
    EXPECT_EQ(begun_[2].run, 3);
    end("1");
    end("1");
    EXPECT_EQ(begin_all(), "");
    end("1");
    EXPECT_EQ(begin_all(), "2");
}

TEST_F(WaitingTest, WhoFindsNobodyFreeGoesBackAndItsPlaceIsFree) {
    limit({.queues = {{"a", 1, 1}}});
    add("1");
    add("2");

    now_ += 250ms;
    const auto overdue = waiting_->take_overdue(now_);

    ASSERT_EQ(overdue.ready.size(), 1);
    EXPECT_EQ(overdue.ready[0]->job().id, "1");
    EXPECT_EQ(begin_all(), "2");
}

TEST_F(WaitingTest, WhoFindsNoPlaceGoesBackLater) {
    limit({.queues = {{"a", 1, 1}}});
    add("1");
    EXPECT_EQ(begin_all(), "1");
    add("2");

    EXPECT_EQ(waiting_->oldest_blocked(0), now_);
    EXPECT_EQ(waiting_->next_overdue(), now_ + 10s);
    EXPECT_TRUE(waiting_->take_overdue(now_ + 9s).blocked.empty());
    EXPECT_EQ(waiting_->take_overdue(now_ + 10s).blocked.size(), 1);
    EXPECT_EQ(waiting_->blocked(), 0);
    EXPECT_EQ(waiting_->oldest_blocked(0), Moment::max());
    EXPECT_EQ(waiting_->next_overdue(), Moment::max());
    end("1");
    EXPECT_EQ(waiting_->places().held(), Places::Held());
}

TEST_F(WaitingTest, TheNewestBlockedJobCanBeTakenOut) {
    limit({.queues = {{"a", 1, 1}}, .group_concurrency = 1});
    EXPECT_TRUE(waiting_->add(tasks_.make("1"), 0, now_));
    EXPECT_FALSE(waiting_->add(tasks_.make("2", {.group = "x"}), 0, now_));
    EXPECT_FALSE(waiting_->add(tasks_.make("3", {.group = "y"}), 0, now_));

    EXPECT_EQ(waiting_->take_newest_blocked(0)->job().id, "3");
    EXPECT_EQ(waiting_->places().held().known_groups, 1);
    EXPECT_EQ(begin_all(), "1");
    end("1");
    EXPECT_EQ(begin_all(), "2");
}

/// Whatever happens to jobs, no limit is ever exceeded, and in the end all of it is free.
TEST_F(WaitingTest, PlacesNeverLeak) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    limit({.queues = {{"a", 3, 3}, {"b", 1}}, .group_concurrency = 2});
    std::size_t begun = 0;
    for (int step = 0; step < 20'000; ++step) {
        const auto dice = random() % 100;
        now_ += std::chrono::milliseconds(random() % 20);
        if (dice < 45 && waiting_->ready_runs() + waiting_->blocked() < 40) {
            const JobOptions options{
                .group = std::string(random() % 3, 'g'), .runs = random() % 3 == 0 ? 3U : 1U};
            const auto* handler = random() % 2 == 0 ? &limited_ : nullptr;
            const std::size_t queue = random() % 2;
            const bool may_begin = waiting_->add(tasks_.make("x", options, handler), queue, now_);
            if (!may_begin && random() % 4 == 0) (void)waiting_->take_newest_blocked(queue);
        } else if (dice < 75 && waiting_->is_ready()) {
            begun_.push_back(waiting_->take());
            ++begun;
        } else if (dice < 97 && !begun_.empty()) {
            std::swap(begun_[random() % begun_.size()], begun_.back());
            waiting_->ended(*begun_.back().task, now_);
            begun_.pop_back();
        } else {
            (void)waiting_->take_overdue(now_);
        }
        const Places::Held held = waiting_->places().held();
        ASSERT_LE(waiting_->places().held_by_queue(0), 3);
        ASSERT_LE(held.handlers, 2);
        ASSERT_LE(held.groups, held.known_groups * 2);
    }
    EXPECT_GT(begun, 1000);

    begin_all();
    for (const Work& work : begun_)
        waiting_->ended(*work.task, now_);
    begun_.clear();
    (void)waiting_->take_unstarted();

    EXPECT_EQ(waiting_->places().held(), Places::Held());
    EXPECT_EQ(waiting_->ready_runs(), 0);
    EXPECT_EQ(waiting_->blocked(), 0);
}

}  // namespace
}  // namespace tranter::worker
