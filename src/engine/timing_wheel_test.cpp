#include "engine/timing_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace tranter::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class TimingWheelTest : public testing::Test {
  protected:
    Slot add(Instant due) {
        const Slot slot = slab.allocate();
        slab[slot].sequence = ++sequence;
        slab[slot].set_due(due);
        wheel.insert(slab, slot);
        return slot;
    }
    std::vector<Slot> advance(Instant now) {
        std::vector<Slot> fired;
        wheel.advance(slab, now, fired);
        return fired;
    }

    Slab slab;
    TimingWheel wheel;
    Sequence sequence = 0;
    const Instant start{hours(24 * 365 * 56)};
};

TEST_F(TimingWheelTest, FiresExactlyAtTheDueMicrosecond) {
    advance(start);
    const Slot slot = add(start + Duration(1500));

    EXPECT_TRUE(advance(start + Duration(1499)).empty());
    EXPECT_EQ(advance(start + Duration(1500)), std::vector{slot});
    EXPECT_TRUE(wheel.empty());
}

TEST_F(TimingWheelTest, FiresInOrderOfDueTimeThenSequence) {
    advance(start);
    const Slot late = add(start + hours(30));
    const Slot first = add(start + Duration(10));
    const Slot same = add(start + Duration(10));
    const Slot earlier = add(start + Duration(5));

    EXPECT_EQ(advance(start + hours(31)), (std::vector{earlier, first, same, late}));
}

TEST_F(TimingWheelTest, ForgetsWhatWasRemoved) {
    advance(start);
    const Slot gone = add(start + milliseconds(70));
    const Slot kept = add(start + milliseconds(70));

    wheel.remove(slab, gone);

    EXPECT_EQ(advance(start + milliseconds(70)), std::vector{kept});
}

TEST_F(TimingWheelTest, NextEventIsNeverLateAndLeadsThere) {
    advance(start);
    const Instant due = start + hours(40) + Duration(123);
    add(due);

    int steps = 0;
    while (!wheel.empty()) {
        const Instant next = *wheel.next_event(slab);
        ASSERT_LE(next, due);
        advance(next);
        ASSERT_LT(++steps, 20) << "every step comes closer";
    }
}

// Oracle: a sorted list of (due, sequence).
TEST_F(TimingWheelTest, AgreesWithASortedList) {
    Instant now = start;
    advance(now);
    for (unsigned seed = 1; seed <= 50; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<std::pair<Instant, Slot>> expected;
        for (int step = 0; step < 400; ++step) {
            const auto spread = std::int64_t{1} << random() % 40;
            if (random() % 3 != 0) {
                const Instant due = now + Duration(static_cast<std::int64_t>(random()) % spread);
                const Slot slot = add(due);
                expected.emplace_back(due, slot);
            } else if (!expected.empty() && random() % 4 == 0) {
                const std::size_t at = random() % expected.size();
                wheel.remove(slab, expected[at].second);
                slab.release(expected[at].second);
                expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(at));
            }
            now +=
                Duration(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spread)));
            std::vector<Slot> due_now;
            std::sort(expected.begin(), expected.end(), [this](const auto& a, const auto& b) {
                return std::pair(a.first, slab[a.second].sequence) <
                       std::pair(b.first, slab[b.second].sequence);
            });
            while (!expected.empty() && expected.front().first <= now) {
                due_now.push_back(expected.front().second);
                expected.erase(expected.begin());
            }
            ASSERT_EQ(advance(now), due_now) << "seed " << seed << " step " << step;
            for (const Slot slot : due_now)
                slab.release(slot);
        }
        for (const auto& [due, slot] : expected) {
            wheel.remove(slab, slot);
            slab.release(slot);
        }
    }
}

}  // namespace
}  // namespace tranter::engine
