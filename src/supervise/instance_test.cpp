#include "supervise/instance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

App plain_app() {
    App app{.name = "api", .command = {"api"}};
    app.stop.timeout = 5s;
    return app;
}

class InstanceTest : public ::testing::Test {
  public:
    void make(const App& app) { instance.emplace(std::make_shared<const App>(app)); }

    std::vector<Kind> kinds() {
        std::vector<Kind> out;
        for (const Action& action : instance->take_actions())
            out.push_back(action.kind);
        return out;
    }
    void run_until_ready() {
        instance->start(true, now, "test");
        instance->spawned(now);
        now += 1s;
        instance->pass_time(now);
        ASSERT_EQ(instance->state(), State::ready);
        instance->take_actions();
    }
    void end(const Ending& ending = {.code = 1}) {
        instance->ended(ending, now);
        instance->all_gone(now, 0);
    }
    /// To the next event, which there is.
    void pass() {
        ASSERT_NE(instance->next_event(), Instant::max());
        now = instance->next_event();
        instance->pass_time(now);
    }

    Instant now = Instant(1h);
    std::optional<Instance> instance = Instance(std::make_shared<const App>(plain_app()));
};

TEST_F(InstanceTest, IsReadyOnceItHasLivedForItsTime) {
    instance->start(true, now, "test");
    EXPECT_THAT(kinds(), ElementsAre(Kind::spawn));
    instance->spawned(now);
    EXPECT_EQ(instance->state(), State::starting);

    pass();

    EXPECT_EQ(instance->state(), State::ready);
    EXPECT_EQ(now, Instant(1h + 1s));
}

TEST_F(InstanceTest, ACrashIsRestartedAtOnceWhenNothingIsLeftOfIt) {
    run_until_ready();

    instance->ended({.signal = 9}, now);
    EXPECT_EQ(instance->state(), State::exited);
    EXPECT_THAT(kinds(), IsEmpty());
    instance->all_gone(now, 0);

    EXPECT_EQ(instance->state(), State::starting);
    EXPECT_THAT(kinds(), ElementsAre(Kind::spawn));
}

TEST_F(InstanceTest, WhatACrashLeftBehindIsKilledBeforeTheRestart) {
    run_until_ready();
    instance->ended({.signal = 9}, now);
    instance->take_actions();

    pass();

    EXPECT_THAT(kinds(), ElementsAre(Kind::kill_all));
    EXPECT_EQ(now, Instant(1h + 1s + 2s));
    EXPECT_EQ(instance->state(), State::exited);
}

TEST_F(InstanceTest, AStopSignalsThenKillsThenSaysThatItIsStuck) {
    run_until_ready();

    instance->stop(now, "asked");
    EXPECT_EQ(instance->take_actions(), (std::vector<Action>{{Kind::signal_group, SIGTERM}}));
    pass();
    EXPECT_THAT(kinds(), ElementsAre(Kind::kill_all));
    EXPECT_FALSE(instance->is_stuck());
    pass();
    EXPECT_THAT(kinds(), ElementsAre(Kind::kill_all));
    EXPECT_TRUE(instance->is_stuck());

    end({.signal = 9});
    EXPECT_EQ(instance->state(), State::stopped);
    EXPECT_FALSE(instance->is_stuck());
    EXPECT_EQ(instance->next_event(), Instant::max());
}

TEST_F(InstanceTest, ADaemonThatNeverGetsReadyHasFailedToStart) {
    App app = plain_app();
    app.readiness = {.probe = {.kind = Probe::Kind::notify}, .limit = 3s};
    app.restart.max = 1;
    make(app);
    instance->start(true, now, "test");
    instance->spawned(now);
    EXPECT_THAT(kinds(), ElementsAre(Kind::spawn, Kind::watch_readiness));

    for (const State next : {State::starting, State::errored}) {
        pass();
        EXPECT_THAT(kinds(), ElementsAre(Kind::unwatch, Kind::signal_group));
        end({.signal = SIGTERM});
        EXPECT_EQ(instance->state(), next);
        if (next == State::errored) break;
        instance->spawned(now);
        instance->take_actions();
    }
}

TEST_F(InstanceTest, AStartThatAsksForTimeGetsItFromThenOn) {
    App app = plain_app();
    app.readiness = {.probe = {.kind = Probe::Kind::notify}, .limit = 3s};
    make(app);
    instance->start(true, now, "test");
    instance->spawned(now);

    instance->asked_for_time(1s, now);
    EXPECT_EQ(instance->next_event(), now + 3s);  // it has more than that
    now += 2s;
    instance->asked_for_time(10s, now);
    EXPECT_EQ(instance->next_event(), now + 10s);
    pass();

    EXPECT_EQ(instance->state(), State::stopping);
}

TEST_F(InstanceTest, AStopThatAsksForTimeGetsItUntilItIsKilled) {
    run_until_ready();
    instance->asked_for_time(60s, now);
    EXPECT_EQ(instance->next_event(), Instant::max());  // nothing is under way
    instance->stop(now, "asked");
    instance->take_actions();

    now += 4s;
    instance->asked_for_time(20s, now);
    EXPECT_EQ(instance->next_event(), now + 20s);
    pass();
    EXPECT_THAT(kinds(), ElementsAre(Kind::kill_all));
    instance->asked_for_time(60s, now);
    EXPECT_EQ(instance->next_event(), now + 2s);
}

TEST_F(InstanceTest, AFailedProbeEndsItLikeACrash) {
    App app = plain_app();
    app.liveness.kind = Probe::Kind::http;
    make(app);
    instance->start(true, now, "test");
    instance->spawned(now);
    pass();
    EXPECT_THAT(kinds(), ElementsAre(Kind::spawn, Kind::watch_liveness));

    instance->failed_probe("status 500", now);

    EXPECT_EQ(instance->state(), State::stopping);
    EXPECT_THAT(kinds(), ElementsAre(Kind::unwatch, Kind::signal_group));
    end({});
    EXPECT_EQ(instance->state(), State::starting);
    EXPECT_EQ(instance->restarts().total(), 1U);
}

TEST_F(InstanceTest, WaitsForWhatItDependsOn) {
    instance->start(false, now, "test");
    EXPECT_EQ(instance->state(), State::waiting);
    EXPECT_THAT(kinds(), IsEmpty());

    instance->allow(now);

    EXPECT_EQ(instance->state(), State::starting);
}

TEST_F(InstanceTest, AStartDuringAStopFollowsIt) {
    run_until_ready();
    instance->stop(now, "asked");
    instance->start(true, now, "asked");
    instance->take_actions();

    end({});

    EXPECT_EQ(instance->state(), State::starting);
    EXPECT_THAT(kinds(), ElementsAre(Kind::spawn));
}

TEST_F(InstanceTest, AStopDuringItsWaitEndsTheWait) {
    run_until_ready();
    end();
    instance->spawned(now);
    end();
    ASSERT_EQ(instance->state(), State::starting);
    instance->spawned(now);
    end();
    ASSERT_EQ(instance->state(), State::backoff);

    instance->stop(now, "asked");

    EXPECT_EQ(instance->state(), State::stopped);
    EXPECT_EQ(instance->next_event(), Instant::max());
}

TEST_F(InstanceTest, AProgramThatCannotBeStartedIsTriedAgainThenGivenUp) {
    instance->start(true, now, "test");
    int tries = 0;
    while (instance->state() == State::starting) {
        ++tries;
        instance->not_spawned("no such file", now, 0);
        if (instance->state() == State::backoff) pass();
    }

    EXPECT_EQ(instance->state(), State::errored);
    EXPECT_EQ(tries, 11);
    EXPECT_EQ(instance->take_changes().back().cause, "no such file");
}

TEST_F(InstanceTest, ANewDefinitionHoldsFromTheNextStartOn) {
    run_until_ready();
    App changed = plain_app();
    changed.stop.signal = SIGINT;
    instance->use(std::make_shared<const App>(changed));
    EXPECT_EQ(instance->app().stop.signal, SIGTERM);

    end();
    instance->spawned(now);
    instance->take_actions();
    instance->stop(now, "asked");

    EXPECT_EQ(instance->take_actions(), (std::vector<Action>{{Kind::signal_group, SIGINT}}));
}

TEST_F(InstanceTest, ChangesTellTheirCauseAndTheEnding) {
    run_until_ready();
    instance->take_changes();

    end({.code = 7});

    const auto changes = instance->take_changes();
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].to, State::exited);
    EXPECT_EQ(changes[0].ending, (Ending{.code = 7}));
    EXPECT_EQ(changes[1].to, State::starting);
    EXPECT_EQ(changes[1].cause, "ended with code 7");
}

/// Random life of an instance with a caller that keeps the contract.
class RandomLife {
  public:
    RandomLife(const App& app, std::uint64_t seed)
        : instance_(std::make_shared<const App>(app)), random_(seed) {}

    void step() {
        now_ += Duration(random_() % 3'000'000);
        instance_.pass_time(now_);
        follow();
        switch (random_() % 10) {
            case 0:
                instance_.start(random_() % 2 == 0, now_, "start");
                break;
            case 1:
                instance_.stop(now_, "stop");
                break;
            case 2:
                instance_.restart(random_() % 2 == 0, now_, "restart");
                break;
            case 3:
                instance_.allow(now_);
                break;
            case 4:
                instance_.failed_probe("probe", now_);
                break;
            case 5:
                instance_.became_ready(now_);
                break;
            default:
                if (leader_) end_leader();
        }
        follow();
        if (!leader_ && others_ > 0 && random_() % 3 == 0) lose_others();
        follow();
        EXPECT_EQ(instance_.is_live(), leader_ || others_ > 0) << "live without processes";
    }

    /// Asked to stop and killed when it has to be, it rests.
    void settle() {
        instance_.stop(now_, "end");
        follow();
        for (int i = 0; i < 10 && !instance_.is_at_rest(); ++i) {
            ASSERT_NE(instance_.next_event(), Instant::max());
            now_ = instance_.next_event();
            instance_.pass_time(now_);
            follow();
        }
        EXPECT_TRUE(instance_.is_at_rest());
    }

  private:
    void follow() {
        for (auto actions = instance_.take_actions(); !actions.empty();
             actions = instance_.take_actions()) {
            for (const Action& action : actions)
                apply(action);
        }
    }

    void apply(const Action& action) {
        if (action.kind == Kind::kill_all) {
            if (leader_) end_leader();
            if (others_ > 0) lose_others();
        }
        if (action.kind != Kind::spawn) return;
        ASSERT_FALSE(leader_) << "two leaders";
        ASSERT_EQ(others_, 0) << "a second tree beside the first";
        if (random_() % 8 == 0) return instance_.not_spawned("no", now_, 0.5);
        leader_ = true;
        others_ = static_cast<int>(random_() % 3);
        instance_.spawned(now_);
    }

    void end_leader() {
        leader_ = false;
        instance_.ended({.code = static_cast<int>(random_() % 2)}, now_);
        if (others_ == 0) instance_.all_gone(now_, 0.5);
    }

    void lose_others() {
        others_ = 0;
        if (!leader_) instance_.all_gone(now_, 0.5);
    }

    Instance instance_;
    std::mt19937_64 random_;
    Instant now_ = Instant(1h);
    bool leader_ = false;
    int others_ = 0;
};

TEST(InstanceLifeTest, NeverHasTwoTreesAndAlwaysComesToRest) {
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        SCOPED_TRACE(seed);
        App app = plain_app();
        app.restart.max = seed % 3 == 0 ? 3 : 0;
        app.readiness.probe.kind = seed % 2 == 0 ? Probe::Kind::uptime : Probe::Kind::notify;
        app.liveness.kind = seed % 5 == 0 ? Probe::Kind::http : Probe::Kind::none;
        RandomLife life(app, seed);
        for (int i = 0; i < 200; ++i)
            life.step();
        life.settle();
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace tranter::supervise
