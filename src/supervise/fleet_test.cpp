#include "supervise/fleet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

App app_named(std::string name, std::vector<Dependency> depends_on = {}) {
    App app{.name = std::move(name), .command = {"program"}, .depends_on = std::move(depends_on)};
    app.readiness.probe.kind = Probe::Kind::notify;
    return app;
}

/// Processes that do what they are told at once, unless a test wants otherwise.
class FleetTest : public ::testing::Test {
  public:
    void put(std::vector<App> apps) { ASSERT_TRUE(fleet.put(std::move(apps))); }

    /// Carries out what the fleet wants, and notes it as "start api-0" and "stop api-0". What comes
    /// of it is told when all is carried out, one after the other.
    void follow() {
        while (true) {
            for (const auto& [id, action, moves_to] : fleet.take_actions()) {
                if (moves_to) {
                    move(id, *moves_to);
                } else {
                    carry_out(id, action);
                }
            }
            if (news.empty()) return;
            const News next = std::move(news.front());
            news.pop_front();
            next.tell(next.id);
        }
    }

    void move(const InstanceId& id, std::uint32_t number) {
        const InstanceId to{id.app, number};
        said.push_back(name_of(id) + " is " + std::to_string(number));
        if (running.erase(id) > 0) {
            ASSERT_TRUE(running.insert(to).second) << name_of(to) << " runs already";
        }
        for (News& one : news) {
            if (one.id == id) one.id = to;
        }
    }

    void carry_out(const InstanceId& id, const Action& action) {
        const std::string name = name_of(id);
        switch (action.kind) {
            case Kind::spawn:
                said.push_back("start " + name);
                ASSERT_TRUE(running.insert(id).second) << name << " runs twice";
                news.push_back({id, [this](const InstanceId& it) {
                                    fleet.spawned(it, now);
                                }});
                break;
            case Kind::watch_readiness:
                if (never_ready.contains(id)) break;
                news.push_back({id, [this](const InstanceId& it) {
                                    fleet.became_ready(it, now);
                                }});
                break;
            case Kind::signal_group:
                said.push_back("stop " + name);
                if (!stubborn.contains(id)) end_soon(id, {.signal = action.signal});
                break;
            case Kind::kill_all:
                said.push_back("kill " + name);
                end_soon(id, {.signal = SIGKILL});
                break;
            default:
                break;
        }
    }

    void end_soon(const InstanceId& id, const Ending& ending) {
        news.push_back({id, [this, ending](const InstanceId& it) {
                            end(it, ending);
                        }});
    }
    void end(const InstanceId& id, const Ending& ending) {
        if (running.erase(id) == 0) return;
        fleet.ended(id, ending, now);
        fleet.all_gone(id, now, 0);
    }
    static std::string name_of(const InstanceId& id) {
        return id.app + "-" + std::to_string(id.number);
    }

    void start(std::string_view app) {
        ASSERT_TRUE(fleet.start(app, now, "test"));
        follow();
    }
    void pass(Duration time) {
        now += time;
        fleet.pass_time(now);
        follow();
    }
    State state(const InstanceId& id) const {
        const Instance* found = fleet.find(id);
        return found == nullptr ? State::stopped : found->state();
    }
    std::vector<std::string> take_said() { return std::exchange(said, {}); }

    static double no_load(const InstanceId&) { return 0; }

    struct News {
        InstanceId id{};
        std::function<void(const InstanceId&)> tell{};
    };

    Fleet fleet;
    Instant now = Instant(1h);
    std::deque<News> news;
    std::set<InstanceId> running;
    std::set<InstanceId> never_ready;
    std::set<InstanceId> stubborn;
    std::vector<std::string> said;
};

TEST_F(FleetTest, StartsWhatAnAppDependsOnFirst) {
    put({app_named("db"), app_named("api", {{.app = "db"}}), app_named("web", {{.app = "api"}})});

    start("web");

    EXPECT_THAT(take_said(), ElementsAre("start db-0", "start api-0", "start web-0"));
}

TEST_F(FleetTest, WaitsUntilADependencyIsReady) {
    never_ready = {{"db", 0}};
    put({app_named("db"), app_named("api", {{.app = "db"}})});

    start("api");
    EXPECT_EQ(state({"api", 0}), State::waiting);
    EXPECT_EQ(fleet.waits_for("api"), "db");

    fleet.became_ready({"db", 0}, now);
    follow();
    EXPECT_EQ(state({"api", 0}), State::ready);
    EXPECT_EQ(fleet.waits_for("api"), "");
}

TEST_F(FleetTest, AStartedDependencyNeedNotBeReady) {
    never_ready = {{"db", 0}};
    put(
        {app_named("db"),
         app_named("api", {{.app = "db", .condition = Dependency::Condition::started}})}
    );

    start("api");

    EXPECT_EQ(state({"api", 0}), State::ready);
}

TEST_F(FleetTest, WaitsForTheSuccessOfAOneshot) {
    App migrate = app_named("migrate");
    migrate.type = AppType::oneshot;
    migrate.restart = {.when = RestartWhen::never};
    put(
        {migrate,
         app_named(
             "api", {{.app = "migrate", .condition = Dependency::Condition::completed_successfully}}
         )}
    );
    start("api");
    ASSERT_EQ(state({"api", 0}), State::waiting);

    end({"migrate", 0}, {.code = 1});
    follow();
    EXPECT_EQ(state({"api", 0}), State::waiting);

    start("migrate");
    end({"migrate", 0}, {});
    follow();
    EXPECT_EQ(state({"migrate", 0}), State::completed);
    EXPECT_EQ(state({"api", 0}), State::ready);
}

TEST_F(FleetTest, StopsInReverseOrderAndWaitsForEach) {
    put({app_named("db"), app_named("api", {{.app = "db"}}), app_named("other")});
    start("api");
    start("other");
    take_said();
    stubborn = {{"api", 0}};

    fleet.stop_all(now, "test");
    follow();
    EXPECT_THAT(take_said(), ElementsAre("stop api-0", "stop other-0"));
    EXPECT_FALSE(fleet.is_at_rest());

    pass(10s);
    EXPECT_THAT(take_said(), ElementsAre("kill api-0", "stop db-0"));
    EXPECT_TRUE(fleet.is_at_rest());
}

TEST_F(FleetTest, AllInstancesThatDoNotStopAreKilledTogether) {
    App app = app_named("api");
    app.instances = 6;
    put({app});
    start("api");
    for (std::uint32_t number = 0; number < 6; ++number)
        stubborn.insert({"api", number});

    ASSERT_TRUE(fleet.stop("api", now, "test"));
    follow();
    pass(10s);

    EXPECT_TRUE(fleet.is_at_rest());
}

TEST_F(FleetTest, ARestartOfADependencyIsFollowedWhenThatIsWanted) {
    put(
        {app_named("db"),
         app_named("api", {{.app = "db", .restarts_with_it = true}}),
         app_named("web", {{.app = "db"}})}
    );
    start("api");
    start("web");
    take_said();

    ASSERT_TRUE(fleet.restart("db", now, "test"));
    follow();

    EXPECT_THAT(take_said(), ElementsAre("stop db-0", "stop api-0", "start db-0", "start api-0"));
}

TEST_F(FleetTest, RefusesCirclesAndUnknownDependencies) {
    const auto circle = fleet.put(
        {app_named("a", {{.app = "b"}}),
         app_named("b", {{.app = "c"}}),
         app_named("c", {{.app = "b"}})}
    );
    const auto unknown = fleet.put({app_named("a", {{.app = "nobody"}})});

    ASSERT_FALSE(circle);
    EXPECT_THAT(circle.error().message(), HasSubstr("b, c, b"));
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message(), HasSubstr("nobody"));
    EXPECT_THAT(fleet.apps(), IsEmpty());
}

TEST_F(FleetTest, ScalesUpAndEndsTheLeastBusyFirst) {
    put({app_named("work")});
    start("work");
    ASSERT_TRUE(fleet.scale("work", 4, now, no_load));
    follow();
    EXPECT_THAT(
        take_said(), ElementsAre("start work-0", "start work-1", "start work-2", "start work-3")
    );

    const auto load = [](const InstanceId& id) {
        return id.number == 1 || id.number == 2 ? 0.0 : 1.0;
    };
    ASSERT_TRUE(fleet.scale("work", 1, now, load));
    follow();

    EXPECT_THAT(take_said(), ElementsAre("stop work-1", "stop work-2", "stop work-3"));
    EXPECT_THAT(fleet.instances("work"), ElementsAre(InstanceId{"work", 0}));
}

TEST_F(FleetTest, AReloadStopsTheOldOneOnceTheNewOneIsReady) {
    App app = app_named("api");
    app.instances = 2;
    put({app});
    start("api");
    take_said();

    ASSERT_TRUE(fleet.reload("api", now));
    follow();

    EXPECT_THAT(
        take_said(),
        ElementsAre(
            "api-0 is 2", "start api-0", "api-1 is 3", "start api-1", "stop api-2", "stop api-3"
        )
    );
    const auto reloaded = fleet.take_reloaded();
    ASSERT_EQ(reloaded.size(), 1U);
    EXPECT_EQ(reloaded[0].trouble, "");
    EXPECT_THAT(fleet.instances("api"), ElementsAre(InstanceId{"api", 0}, InstanceId{"api", 1}));
}

TEST_F(FleetTest, AFailedReloadKeepsTheOldInstances) {
    put({app_named("api")});
    start("api");
    take_said();
    never_ready = {{"api", 0}};

    ASSERT_TRUE(fleet.reload("api", now));
    follow();
    EXPECT_EQ(fleet.reload("api", now).error().code(), Errc::conflict);
    EXPECT_EQ(fleet.own_number({"api", 1}), 0U);
    EXPECT_EQ(state({"api", 1}), State::ready);
    end({"api", 0}, {.code = 1});
    follow();

    EXPECT_THAT(take_said(), ElementsAre("api-0 is 1", "start api-0", "api-1 is 0"));
    EXPECT_EQ(state({"api", 0}), State::ready);
    EXPECT_THAT(fleet.instances("api"), ElementsAre(InstanceId{"api", 0}));
    const auto reloaded = fleet.take_reloaded();
    ASSERT_EQ(reloaded.size(), 1U);
    EXPECT_THAT(reloaded[0].trouble, HasSubstr("instance 0"));
}

TEST_F(FleetTest, ARemovedAppIsForgottenOnceItIsGone) {
    put({app_named("db"), app_named("api", {{.app = "db"}})});
    start("api");
    EXPECT_EQ(fleet.remove("db", now).error().code(), Errc::conflict);
    stubborn = {{"api", 0}};

    ASSERT_TRUE(fleet.remove("api", now));
    ASSERT_TRUE(fleet.remove("db", now));
    follow();
    EXPECT_THAT(fleet.apps(), ElementsAre("api"));

    pass(10s);
    EXPECT_THAT(fleet.apps(), IsEmpty());
    EXPECT_EQ(fleet.start("api", now, "test").error().code(), Errc::not_found);
}

TEST_F(FleetTest, AStartBringsDependenciesBackThatWereStoppedWithAllOthers) {
    put({app_named("db"), app_named("api", {{.app = "db"}})});
    start("api");
    fleet.stop_all(now, "test");
    follow();

    start("api");
    EXPECT_EQ(state({"api", 0}), State::ready);

    ASSERT_TRUE(fleet.stop("db", now, "by hand"));
    ASSERT_TRUE(fleet.stop("api", now, "by hand"));
    follow();
    start("api");
    EXPECT_EQ(state({"api", 0}), State::waiting);
}

TEST_F(FleetTest, WhatIsRestartingCountsWhenItIsScaled) {
    App app = app_named("work");
    app.instances = 3;
    put({app});
    start("work");
    for (std::uint32_t number = 0; number < 3; ++number)
        stubborn.insert({"work", number});
    ASSERT_TRUE(fleet.restart("work", now, "test"));
    follow();

    ASSERT_TRUE(fleet.scale("work", 3, now, no_load));
    follow();
    pass(10s);

    EXPECT_EQ(running.size(), 3U);
}

TEST_F(FleetTest, AStartDoesNotBringBackWhatIsScaledAway) {
    App app = app_named("work");
    app.instances = 3;
    put({app});
    start("work");
    stubborn.insert({"work", 2});
    ASSERT_TRUE(fleet.scale("work", 2, now, no_load));
    follow();

    start("work");
    ASSERT_TRUE(fleet.restart("work", now, "test"));
    follow();
    pass(10s);

    EXPECT_EQ(running.size(), 2U);
    EXPECT_EQ(fleet.instances("work").size(), 2U);
}

TEST_F(FleetTest, AnAppThatIsBeingRemovedIsNotStarted) {
    put({app_named("db"), app_named("api", {{.app = "db"}})});
    start("api");
    stubborn = {{"api", 0}};
    ASSERT_TRUE(fleet.remove("api", now));
    ASSERT_TRUE(fleet.remove("db", now));
    follow();

    EXPECT_EQ(fleet.start("api", now, "test").error().code(), Errc::not_found);
    EXPECT_EQ(fleet.reload("api", now).error().code(), Errc::not_found);
}

TEST_F(FleetTest, ANumberIsNotGivenAgainWhileItIsReplaced) {
    App app = app_named("api");
    app.instances = 3;
    app.reloads_at_once = 2;
    app.restart = {.when = RestartWhen::never};
    put({app});
    start("api");
    never_ready = {{"api", 1}};
    ASSERT_TRUE(fleet.reload("api", now));
    follow();

    end({"api", 4}, {.code = 1});
    follow();
    fleet.became_ready({"api", 1}, now);
    follow();

    const auto reloaded = fleet.take_reloaded();
    ASSERT_EQ(reloaded.size(), 1U);
    EXPECT_EQ(reloaded[0].trouble, "");
    EXPECT_EQ(running.size(), 3U);
}

class OneInstanceTest : public FleetTest {
  public:
    OneInstanceTest() {
        App app = app_named("api");
        app.instances = 3;
        put({app});
    }
};

TEST_F(OneInstanceTest, IsStoppedAndStartedAloneAndRestartsAlone) {
    start("api");
    take_said();

    ASSERT_TRUE(fleet.stop("api", now, "test", 1));
    follow();
    EXPECT_THAT(take_said(), ElementsAre("stop api-1"));
    EXPECT_EQ(state({"api", 1}), State::stopped);
    ASSERT_TRUE(fleet.start("api", now, "test", 1));
    follow();
    EXPECT_THAT(take_said(), ElementsAre("start api-1"));
    ASSERT_TRUE(fleet.restart("api", now, "test", 2));
    follow();
    EXPECT_THAT(take_said(), ElementsAre("stop api-2", "start api-2"));

    EXPECT_EQ(fleet.start("api", now, "test", 3).error().code(), Errc::not_found);
    EXPECT_EQ(fleet.stop("api", now, "test", 3).error().code(), Errc::not_found);
}

TEST_F(OneInstanceTest, StartsBeforeTheOthersEverDid) {
    ASSERT_TRUE(fleet.start("api", now, "test", 1));
    follow();
    EXPECT_THAT(take_said(), ElementsAre("start api-1"));
    EXPECT_EQ(fleet.instances("api").size(), 3U);

    start("api");

    EXPECT_THAT(take_said(), ElementsAre("start api-0", "start api-2"));
}

TEST_F(OneInstanceTest, TakesItsAppWithItWhenTheLastIsStopped) {
    put({app_named("web", {{.app = "api"}})});
    ASSERT_TRUE(fleet.start("api", now, "test", 0));
    follow();
    ASSERT_TRUE(fleet.stop("api", now, "test", 0));
    follow();
    take_said();

    start("web");

    EXPECT_THAT(take_said(), IsEmpty());  // as after a stop of all of them by hand
}

TEST_F(OneInstanceTest, IsReloadedAlone) {
    start("api");
    take_said();

    ASSERT_TRUE(fleet.reload("api", now, 1));
    EXPECT_EQ(fleet.stop("api", now, "test", 0).error().code(), Errc::conflict);
    follow();

    EXPECT_THAT(take_said(), ElementsAre("api-1 is 3", "start api-1", "stop api-3"));
    EXPECT_EQ(fleet.take_reloaded().size(), 1U);
}

TEST_F(OneInstanceTest, IsRemovedAloneAndTheLastWithItsApp) {
    start("api");
    ASSERT_TRUE(fleet.stop("api", now, "test", 0));
    stubborn = {{"api", 1}};
    follow();
    take_said();

    ASSERT_TRUE(fleet.remove("api", now, 1));
    ASSERT_TRUE(fleet.remove("api", now, 1));
    follow();
    EXPECT_EQ(fleet.start("api", now, "test", 1).error().code(), Errc::conflict);
    EXPECT_EQ(fleet.find("api")->instances, 2U);
    pass(10s);
    follow();

    EXPECT_THAT(fleet.instances("api"), ElementsAre(InstanceId{"api", 0}, InstanceId{"api", 2}));
    ASSERT_TRUE(fleet.remove("api", now, 2));
    ASSERT_TRUE(fleet.remove("api", now, 0));
    follow();
    EXPECT_THAT(fleet.apps(), IsEmpty());
}

TEST_F(OneInstanceTest, GoesOnceHoweverOftenItIsRemoved) {
    ASSERT_TRUE(fleet.scale("api", 2, now, no_load));
    start("api");
    stubborn = {{"api", 0}};

    ASSERT_TRUE(fleet.remove("api", now, 0));
    ASSERT_TRUE(fleet.remove("api", now, 0));
    follow();
    EXPECT_FALSE(fleet.is_removing("api"));
    EXPECT_EQ(fleet.find("api")->instances, 1U);
    pass(10s);

    EXPECT_THAT(fleet.instances("api"), ElementsAre(InstanceId{"api", 1}));
    EXPECT_EQ(state({"api", 1}), State::ready);
    EXPECT_EQ(fleet.remove("api", now, 0).error().code(), Errc::not_found);
}

TEST_F(OneInstanceTest, ThatIsScaledAwayIsNotRemovedAsWell) {
    start("api");
    stubborn = {{"api", 2}};
    ASSERT_TRUE(fleet.scale("api", 2, now, no_load));

    ASSERT_TRUE(fleet.remove("api", now, 2));
    follow();
    EXPECT_EQ(fleet.find("api")->instances, 2U);
    pass(10s);

    EXPECT_EQ(running.size(), 2U);
    EXPECT_EQ(fleet.instances("api").size(), 2U);
}

TEST_F(OneInstanceTest, IsNotRemovedAnyMoreOnceItIsStarted) {
    start("api");
    stubborn = {{"api", 1}, {"api", 2}};
    ASSERT_TRUE(fleet.remove("api", now, 1));
    ASSERT_TRUE(fleet.stop("api", now, "test", 2));
    follow();

    ASSERT_TRUE(fleet.start("api", now, "test", 1));
    pass(10s);
    EXPECT_EQ(state({"api", 1}), State::ready);
    ASSERT_TRUE(fleet.stop("api", now, "test", 1));
    pass(10s);

    EXPECT_THAT(fleet.instances("api"), ElementsAre(InstanceId{"api", 0}, InstanceId{"api", 1}));
}

/// Any commands and deaths in any order.
class FleetLife : public FleetTest {
  public:
    void TestBody() override {}

    void step(std::mt19937_64& random) {
        const std::string app = names_[random() % names_.size()];
        Which which;
        if (random() % 2 == 0) which = static_cast<std::uint32_t>(random() % 4);
        switch (random() % 9) {
            case 0:
                std::ignore = fleet.start(app, now, "start", which);
                break;
            case 1:
                std::ignore = fleet.stop(app, now, "stop", which);
                break;
            case 2:
                std::ignore = fleet.restart(app, now, "restart", which);
                break;
            case 3:
                std::ignore = fleet.reload(app, now, which);
                if (which && random() % 4 == 0) std::ignore = fleet.remove(app, now, which);
                break;
            case 4:
                std::ignore = fleet.scale(app, random() % 5, now, no_load);
                break;
            case 5:
                for (std::uint32_t number = 0; number < 4; ++number)
                    (random() % 2 == 0 ? never_ready : stubborn).insert({app, number});
                break;
            case 6:
                never_ready.clear();
                stubborn.clear();
                break;
            case 7:
                if (random() % 20 == 0) fleet.stop_all(now, "all");
                put_back();
                break;
            default:
                kill_one(random);
        }
        follow();
        pass(Duration(random() % 20'000'000));
        check();
    }

    void check() {
        for (const std::string& name : fleet.apps()) {
            for (const InstanceId& id : fleet.instances(name))
                EXPECT_EQ(fleet.find(id)->is_live(), running.contains(id)) << name << id.number;
            const std::uint32_t more = fleet.is_reloading(name) ? 1 : 0;
            EXPECT_LE(staying(name), fleet.find(name)->instances + more) << states();
            if (more > 0) continue;
            std::set<std::uint32_t> told;
            for (const InstanceId& id : fleet.instances(name)) {
                const Instance& one = *fleet.find(id);
                if (one.is_leaving() || one.is_at_rest()) continue;
                EXPECT_TRUE(told.insert(fleet.own_number(id)).second) << states();
            }
        }
    }

    std::uint32_t staying(const std::string& name) const {
        std::uint32_t count = 0;
        for (const InstanceId& id : fleet.instances(name))
            count += fleet.find(id)->is_leaving() ? 0 : 1;
        return count;
    }

    void settle() {
        never_ready.clear();
        stubborn.clear();
        put_back();
        fleet.stop_all(now, "end");
        follow();
        for (int i = 0; i < 10 && !fleet.is_at_rest(); ++i)
            pass(10s);
        EXPECT_TRUE(fleet.is_at_rest()) << states();
        EXPECT_THAT(running, IsEmpty());
        for (const std::string& name : names_)
            start(name);
        pass(10s);
        for (const std::string& name : names_)
            EXPECT_EQ(fleet.instances(name).size(), fleet.find(name)->instances);
    }

    std::string states() const {
        std::string out;
        for (const std::string& name : fleet.apps()) {
            for (const InstanceId& id : fleet.instances(name)) {
                out += name + std::to_string(id.number) + " " +
                       std::string(supervise::name_of(fleet.find(id)->state())) + ", ";
            }
        }
        return out;
    }

    void run(std::uint64_t seed) {
        std::mt19937_64 random(seed);
        apps_ = {
            app_named("a"),
            app_named("b", {{.app = "a", .restarts_with_it = seed % 2 == 0}}),
            app_named("c", {{.app = "a"}, {.app = "b"}})};
        put(apps_);
        for (int i = 0; i < 200; ++i)
            step(random);
        settle();
    }

  private:
    /// Those that went with the last of their instances.
    void put_back() {
        std::vector<App> gone;
        std::ranges::copy_if(apps_, std::back_inserter(gone), [this](const App& app) {
            return fleet.find(app.name) == nullptr || fleet.is_removing(app.name);
        });
        put(std::move(gone));
    }

    void kill_one(std::mt19937_64& random) {
        if (running.empty()) return;
        const auto victim =
            std::next(running.begin(), static_cast<std::ptrdiff_t>(random() % running.size()));
        end(InstanceId(*victim), {.code = static_cast<int>(random() % 2)});
    }

    const std::vector<std::string> names_{"a", "b", "c"};
    std::vector<App> apps_;
};

TEST(FleetLifeTest, WhateverIsWantedNothingRunsTwiceAndAllComesToRest) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        FleetLife().run(seed);
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace tranter::supervise
