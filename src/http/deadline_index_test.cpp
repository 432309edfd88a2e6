#include "http/deadline_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

namespace tranter::http {
namespace {

struct Item final : Timed {
    void on_deadline_passed() override {}
    TimePoint due = TimePoint::max();
};

TimePoint at(int ms) {
    return TimePoint(std::chrono::milliseconds(ms));
}

TEST(DeadlineIndex, ReportsNothingBeforeItIsDue) {
    DeadlineIndex index;
    Item item;
    index.arm(item, at(10));

    EXPECT_EQ(index.pop_due(at(9)), nullptr);
    EXPECT_EQ(index.pop_due(at(10)), &item);
    EXPECT_EQ(index.pop_due(at(10)), nullptr);
}

TEST(DeadlineIndex, FollowsDeadlinesThatMove) {
    DeadlineIndex index;
    Item item;
    index.arm(item, at(10));
    index.arm(item, at(30));
    EXPECT_EQ(index.pop_due(at(20)), nullptr);
    index.arm(item, at(25));

    EXPECT_EQ(index.next(), at(25));
    EXPECT_EQ(index.pop_due(at(25)), &item);
}

TEST(DeadlineIndex, ForgetsWhatIsDisarmed) {
    DeadlineIndex index;
    Item item;
    index.arm(item, at(10));
    index.disarm(item);

    EXPECT_EQ(index.pop_due(at(20)), nullptr);
    EXPECT_EQ(index.size(), 0U);
}

TEST(DeadlineIndex, AgreesWithASimpleListUnderRandomUse) {
    std::mt19937 random(1);
    DeadlineIndex index;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 50; ++i)
        items.push_back(std::make_unique<Item>());
    int now = 0;
    for (int step = 0; step < 20'000; ++step) {
        Item& item = *items[random() % items.size()];
        switch (random() % 5) {
            case 0:
                index.remove(item);
                item.due = TimePoint::max();
                break;
            case 1:
                index.disarm(item);
                item.due = TimePoint::max();
                break;
            default:
                item.due = at(now + static_cast<int>(random() % 100));
                index.arm(item, item.due);
        }
        now += static_cast<int>(random() % 3);
        while (Timed* timed = index.pop_due(at(now))) {
            auto& due = static_cast<Item*>(timed)->due;
            ASSERT_LE(due, at(now));
            due = TimePoint::max();
        }
        for (const auto& each : items)
            ASSERT_GT(each->due, at(now));
    }
    for (const auto& each : items)
        index.remove(*each);
    EXPECT_EQ(index.size(), 0U);
}

}  // namespace
}  // namespace tranter::http
