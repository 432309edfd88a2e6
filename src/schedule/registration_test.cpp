#include "schedule/registration.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

// Many schedules, or many slots, at once.
namespace tranter::schedule {
namespace {

constexpr TimePoint registered_at{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};

class RegistrationTest : public testing::Test {
  public:
    RegistrationTest() = default;
    ~RegistrationTest() override = default;
    RegistrationTest(const RegistrationTest&) = delete;
    RegistrationTest& operator=(const RegistrationTest&) = delete;

  protected:
    Registry registry() { return {.store = *store_, .zones = zones_}; }
    ScheduleStore& store() { return *store_; }
    auto register_all(const std::vector<ScheduleDefinition>& definitions) {
        return reconcile_all(registry(), definitions, ScheduleSource::file, registered_at);
    }

    static ScheduleDefinition daily(std::string name) {
        return {.name = std::move(name), .expression = "0 9 * * *", .type = "t"};
    }

  private:
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    ZoneDirectory zones_{};
};

TEST_F(RegistrationTest, ManySchedulesAreWhatOneAfterTheOtherWouldBe) {
    constexpr std::size_t count = 2'345;  // not a whole number of transactions
    std::vector<ScheduleDefinition> definitions;
    for (std::size_t i = 0; i < count; ++i)
        definitions.push_back(daily("s" + std::to_string(i)));
    const auto one = reconcile(registry(), daily("one"), ScheduleSource::file, registered_at);
    ASSERT_TRUE(one);

    const auto made = register_all(definitions);

    ASSERT_EQ(made.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(made[i]) << i;
        ASSERT_EQ(made[i]->what, Reconciled::made);
        Schedule wanted = one->schedule;
        wanted.definition.name = definitions[i].name;
        ASSERT_EQ(made[i]->schedule, wanted);
        ASSERT_EQ(store().find(wanted.definition.name), wanted);
    }
    for (const auto& again : register_all(definitions))
        EXPECT_EQ(again.value().what, Reconciled::same);
}

TEST_F(RegistrationTest, EachOfManyHasItsOwnAnswer) {
    ASSERT_TRUE(add(registry(), daily("by-hand"), ScheduleSource::hand, registered_at));
    ScheduleDefinition changed = daily("by-hand");
    changed.expression = "0 10 * * *";
    ScheduleDefinition wrong = daily("wrong");
    wrong.expression = "0 25 * * *";
    ScheduleDefinition twice = daily("new");
    twice.queue = "mail";

    const auto answers = register_all({daily("new"), wrong, changed, twice});

    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[0].value().what, Reconciled::made);
    EXPECT_EQ(answers[1].error().code(), Errc::invalid_argument);
    EXPECT_EQ(store().find("wrong").error().code(), Errc::not_found);
    EXPECT_EQ(answers[2].value().what, Reconciled::changed);
    EXPECT_TRUE(answers[2].value().overruled_hand);
    EXPECT_EQ(answers[3].value().what, Reconciled::changed);
    EXPECT_EQ(store().find("new").value().definition, twice);
}

TEST_F(RegistrationTest, ABackfillIsClaimedInPartsAndGoesOnWhereItWas) {
    using namespace std::chrono_literals;
    ScheduleDefinition minutely = daily("s");
    minutely.expression = "* * * * *";
    ASSERT_TRUE(add(registry(), minutely, ScheduleSource::hand, registered_at));
    const Period first_part{.from = registered_at - 100min, .to = registered_at};
    const Period all{.from = registered_at - 1234min, .to = registered_at};

    const auto first = backfill(registry(), "s", {.period = first_part}, registered_at);
    const auto rest = backfill(registry(), "s", {.period = all}, registered_at);

    ASSERT_TRUE(first && rest);
    EXPECT_EQ(first->claimed, 101U);
    EXPECT_EQ(rest->slots.size(), 1235U);
    EXPECT_EQ(rest->claimed, 1235U - 101U);
    EXPECT_EQ(store().open_runs("s")->claimed, 1235U);
    EXPECT_EQ(store().find("s")->runs, 1235U);
}

}  // namespace
}  // namespace tranter::schedule
