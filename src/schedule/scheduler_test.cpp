#include "jobs/test_provider.hpp"
#include "schedule/store.hpp"
#include "schedule/waker.hpp"

#include <tranter/scheduler.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace tranter {
namespace {

using namespace std::chrono_literals;

struct CacheCleanup {
    int level = 1;
    static constexpr std::string_view kind = "cache.cleanup";
    static constexpr JobDefaults defaults{.queue = "maintenance"};
};

/// Knows ids, and tells when there are enough.
class CountingProvider final : public NoProvider {
  public:
    Result<std::vector<Enqueued>> enqueue(std::string_view, std::span<const NewJob> jobs) override {
        if (meanwhile) meanwhile();
        const std::lock_guard lock(mutex_);
        std::vector<Enqueued> out;
        for (const NewJob& job : jobs) {
            const bool fresh = ids_.insert(job.id).second;
            if (!fresh) ++duplicates_;
            out.push_back({.id = job.id, .duplicate_of = fresh ? std::string() : job.id});
        }
        changed_.notify_all();
        return out;
    }

    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 1min, [&] { return ids_.size() >= count; });
    }
    std::set<std::string> ids() {
        const std::lock_guard lock(mutex_);
        return ids_;
    }
    std::size_t duplicates() {
        const std::lock_guard lock(mutex_);
        return duplicates_;
    }

    std::function<void()> meanwhile{};  // in each call; set before there is one

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> ids_;
    std::size_t duplicates_ = 0;
};

TimePoint wall_clock() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

class SchedulerTest : public testing::Test {
  public:
    SchedulerTest() {
        std::string path = (std::filesystem::temp_directory_path() / "scheduler-XXXXXX").string();
        if (::mkdtemp(path.data()) != nullptr) directory_ = path;
    }
    ~SchedulerTest() override { std::filesystem::remove_all(directory_); }
    SchedulerTest(const SchedulerTest&) = delete;
    SchedulerTest& operator=(const SchedulerTest&) = delete;

  protected:
    std::string url() const { return "file:" + directory_.string(); }
    Client client() const { return Client(provider_); }
    CountingProvider& provider() { return *provider_; }

  private:
    std::filesystem::path directory_{};
    std::shared_ptr<CountingProvider> provider_ = std::make_shared<CountingProvider>();
};

TEST_F(SchedulerTest, AScheduleIsMadeOnceAndSurvivesARestart) {
    {
        Scheduler scheduler(client(), url());
        const auto made = scheduler.every("cleanup", "every 1 hour", CacheCleanup{});
        ASSERT_TRUE(made) << made.error().message();
        EXPECT_EQ(made->definition.queue, "maintenance");
        EXPECT_EQ(made->definition.payload, R"({"level":1})");
    }
    Scheduler again(client(), url());

    const auto same = again.every("cleanup", "every 1 hour", CacheCleanup{});

    ASSERT_TRUE(same);
    EXPECT_EQ(same->version, 1U);
    EXPECT_EQ(again.list()->size(), 1U);
    EXPECT_EQ(again.preview("cleanup", 3)->size(), 3U);
    ASSERT_TRUE(again.cancel("cleanup"));
    EXPECT_TRUE(again.list()->empty());
    EXPECT_EQ(again.cancel("cleanup").error().code(), Errc::not_found);
}

TEST_F(SchedulerTest, WhatIsWrongIsRefusedWithAReason) {
    Scheduler scheduler(client(), "memory:");
    const auto code = [&](std::string_view expression, const ScheduleOptions& options) {
        const auto made = scheduler.every("a", expression, CacheCleanup{}, options);
        return made ? Errc::internal : made.error().code();
    };

    EXPECT_EQ(code("nonsense", {}), Errc::invalid_argument);
    EXPECT_EQ(code("0 9 * * *", {.timezone = "Nowhere"}), Errc::invalid_argument);
    EXPECT_EQ(code("0 9 * * *", {.job = {.delay = 1s}}), Errc::invalid_argument);
    EXPECT_EQ(
        code("0 9 * * *", {.job = {.id = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10"}}),
        Errc::invalid_argument
    );
    EXPECT_THROW(Scheduler(client(), "ftp:x"), Exception);
    EXPECT_THROW(Scheduler(client(), "file:/proc/nothing/here"), Exception);
}

TEST_F(SchedulerTest, AJobForLaterIsEnqueuedAtItsTimeUnlessItIsCancelled) {
    Scheduler scheduler(client(), "memory:");
    scheduler.start();
    const auto soon = scheduler.schedule(CacheCleanup{}, wall_clock() + 50ms);
    const auto later = scheduler.schedule(CacheCleanup{}, wall_clock() + 1h);
    ASSERT_TRUE(soon);
    ASSERT_TRUE(later);

    ASSERT_TRUE(provider().wait_for(1));

    EXPECT_EQ(provider().ids(), std::set<std::string>{*soon});
    EXPECT_TRUE(scheduler.cancel(*later));
    EXPECT_EQ(scheduler.cancel(*soon).error().code(), Errc::conflict);
    scheduler.stop();
    EXPECT_EQ(scheduler.figures().enqueued, 1U);
}

TEST_F(SchedulerTest, SaysThatItLeadsBeforeWhatItDoesIsDone) {
    Scheduler scheduler(client(), "memory:");
    bool leads = false;
    provider().meanwhile = [&] {
        leads = scheduler.metrics().leads_timers;
    };
    ASSERT_TRUE(scheduler.schedule(CacheCleanup{}, wall_clock() + 50ms));

    scheduler.start();

    ASSERT_TRUE(provider().wait_for(1));
    scheduler.stop();
    EXPECT_TRUE(leads);
    EXPECT_FALSE(scheduler.metrics().leads_timers);
}

TEST_F(SchedulerTest, AnotherOneOnTheSameFileWakesIt) {
    Scheduler sleeper(client(), url(), {.poll_interval = 1h, .lease = 1h});
    sleeper.start();
    Scheduler other(client(), url());
    ASSERT_TRUE(other.every("cleanup", "every 1 hour", CacheCleanup{}));

    const auto id = other.run_now("cleanup");

    ASSERT_TRUE(id);
    ASSERT_TRUE(provider().wait_for(1));
    EXPECT_EQ(provider().ids(), std::set<std::string>{*id});
}

TEST_F(SchedulerTest, SeveralSchedulersMakeOneJobOfEachSlot) {
    Scheduler first(client(), url(), {.name = "first"});
    Scheduler second(client(), url(), {.name = "second"});
    Scheduler third(client(), url(), {.name = "third"});
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(first.every("s" + std::to_string(i), "every 1 second", CacheCleanup{.level = i})
        );
    }
    for (Scheduler* one : {&first, &second, &third})
        one->start();
    ASSERT_TRUE(provider().wait_for(40));
    first.stop();
    ASSERT_TRUE(provider().wait_for(60));
    second.stop();
    third.stop();

    EXPECT_EQ(provider().duplicates(), 0U);
    std::uint64_t runs = 0;
    const auto schedules = first.list().value();
    for (const Schedule& schedule : schedules)
        runs += schedule.runs;
    EXPECT_EQ(runs, provider().ids().size());
}

TEST_F(SchedulerTest, TheLibraryDoesWhatTheCommandsDo) {
    Scheduler scheduler(client(), url());
    ASSERT_TRUE(scheduler.every("cleanup", "0 * * * *", CacheCleanup{}));
    const TimePoint now = wall_clock();
    const Period past{.from = now - 3h, .to = now};

    const auto dry = scheduler.backfill("cleanup", past, true);
    ASSERT_TRUE(dry) << dry.error().message();
    EXPECT_EQ(dry->slots.size(), 3U);
    EXPECT_TRUE(scheduler.runs("cleanup")->empty());
    EXPECT_EQ(scheduler.backfill("cleanup", past)->claimed, 3U);
    EXPECT_EQ(scheduler.runs("cleanup")->size(), 3U);
    EXPECT_EQ(scheduler.runs("cleanup", 2)->front().state, SlotState::claimed);
    EXPECT_EQ(scheduler.runs("nothing").error().code(), Errc::not_found);

    const auto edited = scheduler.edit("cleanup", [](ScheduleDefinition& definition) -> Result<> {
        definition.expression = "30 * * * *";
        return {};
    });
    ASSERT_TRUE(edited) << edited.error().message();
    EXPECT_EQ(edited->source, ScheduleSource::hand);
    ASSERT_TRUE(scheduler.pause("cleanup", "moving house"));
    const auto told = scheduler.explain("cleanup", 2);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->next.size(), 2U);
    EXPECT_EQ(told->open_runs, 3U);
    EXPECT_EQ(told->obstacles.front(), "it is paused: moving house");
    ASSERT_TRUE(scheduler.resume("cleanup"));

    scheduler.start();
    EXPECT_TRUE(provider().wait_for(3));
}

TEST_F(SchedulerTest, JobsForLaterAreListedAndGetAnotherTime) {
    Scheduler scheduler(client(), "memory:");
    scheduler.start();
    const auto first = scheduler.schedule(CacheCleanup{}, wall_clock() + 1h);
    const auto second = scheduler.schedule(CacheCleanup{}, wall_clock() + 2h);
    ASSERT_TRUE(first && second);
    ASSERT_EQ(scheduler.jobs()->size(), 2U);
    EXPECT_EQ(scheduler.jobs({}, 1)->front().id, *first);
    EXPECT_EQ(scheduler.jobs(*first)->front().id, *second);

    ASSERT_TRUE(scheduler.reschedule(*second, wall_clock()));

    ASSERT_TRUE(provider().wait_for(1));
    EXPECT_EQ(provider().ids(), std::set<std::string>{*second});
    EXPECT_EQ(scheduler.find_job(*first)->state, ScheduledState::waiting);
    EXPECT_EQ(scheduler.reschedule("nothing", wall_clock()).error().code(), Errc::not_found);
}

TEST_F(SchedulerTest, AnIdIsTheSameInEverySpelling) {
    Scheduler scheduler(client(), "memory:");
    const auto id = scheduler.schedule(CacheCleanup{}, wall_clock() + 1h);
    ASSERT_TRUE(id);
    std::string shouted = *id;
    std::ranges::transform(shouted, shouted.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });

    EXPECT_EQ(scheduler.find_job(shouted).value().id, *id);
    EXPECT_TRUE(scheduler.jobs(shouted)->empty());
    EXPECT_TRUE(scheduler.reschedule(shouted, wall_clock() + 2h));
    EXPECT_TRUE(scheduler.cancel(shouted));
    EXPECT_EQ(scheduler.find_job(*id)->state, ScheduledState::cancelled);
}

TEST_F(SchedulerTest, AServerIsNoStoreAndTheErrorSaysWhatIs) {
    try {
        const Scheduler scheduler(client(), "http://user:secret@127.0.0.1:9325");
        FAIL();
    } catch (const Exception& refused) {
        const std::string said = refused.what();
        EXPECT_NE(said.find("/v1/schedules"), std::string::npos) << said;
        EXPECT_EQ(said.find("secret"), std::string::npos) << said;
    }
}

TEST_F(SchedulerTest, WorksOnceAtATime) {
    Scheduler scheduler(client(), "memory:");
    scheduler.start();

    EXPECT_THROW(scheduler.start(), Exception);
    scheduler.stop();
    scheduler.stop();
    scheduler.start();
}

TEST(Waker, ReturnsForEachOfItsReasons) {
    schedule::Waker waker;
    waker.sleep_until(TimePoint(), -1, {});
    waker.sleep_until(wall_clock() + 5ms, -1, {});
    EXPECT_GE(wall_clock(), TimePoint());

    waker.wake();
    waker.sleep_until(wall_clock() + 1h, -1, {});

    std::jthread thread([&](const std::stop_token& stop) {
        waker.sleep_until(wall_clock() + 1h, -1, stop);
    });
    thread.request_stop();
    thread.join();
}

}  // namespace
}  // namespace tranter
