#include "supervise/file_work.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;

constexpr auto for_ever = 60s;  // a test that waits for longer has failed

/// Work that hangs until the test says otherwise, whoever is there by then.
class Hanging {
  public:
    FileWork::Work work() const {
        return [state = state_](const std::stop_token&) {
            state->begun.set_value();
            state->go_on.get_future().wait();
            state->done.set_value();
        };
    }
    void wait_until_begun() {
        ASSERT_EQ(state_->begun.get_future().wait_for(for_ever), std::future_status::ready);
    }
    void go_on() { state_->go_on.set_value(); }
    void wait_until_done() {
        ASSERT_EQ(state_->done.get_future().wait_for(for_ever), std::future_status::ready);
    }

  private:
    struct State {
        std::promise<void> begun{};
        std::promise<void> go_on{};
        std::promise<void> done{};
    };
    const std::shared_ptr<State> state_ = std::make_shared<State>();
};

bool is_done(FileWork& work, const FileWork::LanePtr& lane) {
    return work.post_and_wait(
        lane, [](const auto&) {}, for_ever
    );
}

TEST(FileWorkTest, DoesTheWorkOfALaneInOrder) {
    FileWork work;
    const auto lane = work.make_lane("one");
    std::vector<int> done;

    for (int i = 0; i < 1000; ++i)
        work.post(lane, [&done, i](const auto&) { done.push_back(i); });
    work.wait_until_done();

    ASSERT_EQ(done.size(), 1000U);
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(work.threads(), 1U);
}

TEST(FileWorkTest, ALaneThatHangsHoldsUpNoOther) {
    FileWork work({.patience = {}});
    const auto hangs = work.make_lane("hangs");
    const auto good = work.make_lane("good");
    Hanging hanging;
    work.post(hangs, hanging.work());
    hanging.wait_until_begun();

    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(is_done(work, good));

    hanging.go_on();
    hanging.wait_until_done();
    EXPECT_TRUE(is_done(work, hangs));
    EXPECT_TRUE(is_done(work, good));
}

TEST(FileWorkTest, ALaneOfANameIsTheSameUntilNobodyHasIt) {
    FileWork work({.patience = {}});
    Hanging hanging;
    work.post(work.lane_of("one"), hanging.work());
    hanging.wait_until_begun();

    const std::weak_ptr<FileWork::Lane> hangs = work.lane_of("one");
    EXPECT_EQ(work.lane_of("one"), hangs.lock());
    EXPECT_NE(work.lane_of("other"), hangs.lock());
    hanging.go_on();
    work.wait_until_done();

    // Its thread may have it for a moment more.
    EXPECT_TRUE(is_done(work, work.lane_of("one")));
}

TEST(FileWorkTest, ALookIsEnoughForWhatWaitsBehindOneThatHangs) {
    FileWork work({.patience = 50ms});
    Hanging hanging;
    std::promise<void> done;
    auto is_done = done.get_future();
    work.post(work.make_lane("hangs"), hanging.work());
    hanging.wait_until_begun();
    work.post(work.make_lane("good"), [&done](const auto&) { done.set_value(); });

    const auto limit = std::chrono::steady_clock::now() + for_ever;
    while (is_done.wait_for(5ms) != std::future_status::ready) {
        ASSERT_LT(std::chrono::steady_clock::now(), limit);
        work.look();
    }

    EXPECT_EQ(work.threads(), 2U);
    hanging.go_on();
}

TEST(FileWorkTest, AThreadThatWasRelievedEndsWithItsWork) {
    FileWork work({.patience = {}});
    const auto hangs = work.make_lane("hangs");
    const auto good = work.make_lane("good");
    Hanging hanging;
    work.post(hangs, hanging.work());
    hanging.wait_until_begun();
    ASSERT_TRUE(is_done(work, good));
    EXPECT_EQ(work.threads(), 2U);

    hanging.go_on();
    hanging.wait_until_done();
    // Its lane goes to the other one.
    ASSERT_TRUE(is_done(work, hangs));
    work.wait_until_done();

    EXPECT_EQ(work.threads(), 1U);
}

TEST(FileWorkTest, NobodyWaitsForALaneThatHangs) {
    FileWork work({.patience = {}});
    const auto hangs = work.make_lane("hangs");
    Hanging hanging;
    work.post(hangs, hanging.work());
    hanging.wait_until_begun();

    EXPECT_FALSE(work.post_and_wait(
        hangs, [](const auto&) {}, 1ms
    ));

    hanging.go_on();
}

TEST(FileWorkTest, AtItsEndItDoesWhatWaits) {
    int done = 0;
    {
        FileWork work({.end_patience = for_ever});
        const auto lane = work.make_lane("one");
        for (int i = 0; i < 100; ++i)
            work.post(lane, [&done](const auto&) { ++done; });
    }

    EXPECT_EQ(done, 100);
}

TEST(FileWorkTest, AtItsEndItGivesUpWhatHangs) {
    Hanging hanging;
    std::atomic<bool> was_done = false;
    std::function<bool(const FileWork::LanePtr&, FileWork::Work)> post;
    {
        FileWork work({.patience = {}, .end_patience = 50ms});
        const auto hangs = work.make_lane("hangs");
        work.post(hangs, hanging.work());
        hanging.wait_until_begun();
        work.post(hangs, [&](const auto&) { was_done = true; });
        post = work.poster();
    }
    EXPECT_FALSE(post(std::make_shared<FileWork>()->make_lane("late"), [](const auto&) {}));

    hanging.go_on();
    hanging.wait_until_done();
    EXPECT_FALSE(was_done);
}

TEST(FileWorkTest, TellsItsEndToWhatTakesLong) {
    std::atomic<bool> was_told = false;
    {
        FileWork work({.end_patience = for_ever});
        std::promise<void> begun;
        work.post(work.make_lane("long"), [&](const std::stop_token& stop) {
            std::promise<void> told;
            const std::stop_callback on_stop(stop, [&told] { told.set_value(); });
            begun.set_value();
            told.get_future().wait();
            was_told = true;
        });
        begun.get_future().wait();
    }

    EXPECT_TRUE(was_told);
}

TEST(FileWorkTest, AfterItsEndNothingIsTaken) {
    auto work = std::make_unique<FileWork>();
    const auto lane = work->make_lane("one");
    const auto post = work->poster();
    EXPECT_TRUE(post(lane, [](const auto&) {}));

    work.reset();

    EXPECT_FALSE(post(lane, [](const auto&) { FAIL(); }));
}

}  // namespace
}  // namespace tranter::supervise
