#include "supervise/event_loop.hpp"

#include "process/descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Time that passes when a test says so; nothing is waited for.
class SetClock final : public Clock {
  public:
    Instant now() const override { return time; }
    Instant time = Instant(1h);
};

class EventLoopTest : public ::testing::Test {
  public:
    EventLoopTest() {
        auto made = process::Pipe::make();
        EXPECT_TRUE(made);
        if (made) pipe = std::move(*made);
    }
    EventLoop::Call note(std::string text) {
        return [this, text = std::move(text)] {
            said.push_back(text);
        };
    }
    void put() { EXPECT_EQ(::write(pipe.write.get(), "x", 1), 1); }

    SetClock clock;
    EventLoop loop = EventLoop(clock);
    process::Pipe pipe;
    std::vector<std::string> said;
};

TEST_F(EventLoopTest, CallsWhenSomethingCanBeRead) {
    loop.watch(pipe.read.get(), note("read"));
    loop.run_once(clock.time);
    EXPECT_THAT(said, IsEmpty());

    put();
    loop.run_once(clock.time);

    EXPECT_THAT(said, ElementsAre("read"));
}

TEST_F(EventLoopTest, CallsAtTheEnd) {
    loop.watch(pipe.read.get(), note("end"));

    pipe.write.reset();
    loop.run_once(clock.time);

    EXPECT_THAT(said, ElementsAre("end"));
}

TEST_F(EventLoopTest, CallsWhenSomethingCanBeWritten) {
    loop.watch_writable(pipe.write.get(), note("write"));

    loop.run_once(clock.time);

    EXPECT_THAT(said, ElementsAre("write"));
}

TEST_F(EventLoopTest, WhoIsCalledMayLeave) {
    loop.watch(pipe.read.get(), [&] {
        loop.unwatch(pipe.read.get());
        said.push_back("once");
    });
    put();

    loop.run_once(clock.time);
    loop.run_once(clock.time);

    EXPECT_THAT(said, ElementsAre("once"));
}

TEST_F(EventLoopTest, CallsTimersInTheirOrderAndNeverEarly) {
    loop.call_at(clock.time + 2s, note("second"));
    loop.call_at(clock.time + 1s, note("first"));
    const auto cancelled = loop.call_at(clock.time + 1s, note("never"));
    loop.cancel(cancelled);

    clock.time += 999ms;
    loop.run_once(clock.time);
    EXPECT_THAT(said, IsEmpty());
    clock.time += 1ms;
    loop.run_once(clock.time);
    EXPECT_THAT(said, ElementsAre("first"));
    clock.time += 5s;
    loop.run_once(clock.time);
    EXPECT_THAT(said, ElementsAre("first", "second"));
}

TEST_F(EventLoopTest, ATimerMayMakeAndCancelOthers) {
    const auto later = loop.call_at(clock.time + 2s, note("never"));
    loop.call_at(clock.time, [&] {
        loop.cancel(later);
        loop.call_at(clock.time, note("made"));
    });

    clock.time += 3s;
    loop.run_once(clock.time);

    EXPECT_THAT(said, ElementsAre("made"));
}

}  // namespace
}  // namespace tranter::supervise
