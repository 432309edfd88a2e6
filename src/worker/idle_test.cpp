// A worker that has nothing to do does nothing.
#include "worker/test_worker.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace tranter {
namespace {

using namespace std::chrono_literals;

/// How often the threads of this process have woken up, but for the one that asks.
std::uint64_t wake_ups() {
    constexpr std::string_view name = "voluntary_ctxt_switches:";
    const auto own = std::filesystem::read_symlink("/proc/thread-self").filename();
    std::uint64_t sum = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        if (thread.path().filename() == own) continue;
        std::ifstream status(thread.path() / "status");
        for (std::string line; std::getline(status, line);) {
            if (!line.starts_with(name)) continue;
            sum += std::stoull(line.substr(name.size()));
        }
    }
    return sum;
}

class IdleTest : public WorkerTest {
  public:
    ~IdleTest() override = default;
};

TEST_F(IdleTest, AWorkerWithoutJobsWakesUpOnlyForItsCalls) {
    constexpr std::size_t calls = 8;
    // The thread sanitizer has a thread of its own, which wakes up now and then.
    constexpr std::size_t wake_ups_of_a_call = 8;
    handlers_.on("a", [](Context&) {}, {.concurrency = 1});
    start({.queues = {"x", "y"}, .concurrency = 4, .group_concurrency = 1, .poll_wait = 250ms});
    // The first call of each queue does not wait, the second one does.
    ASSERT_TRUE(provider_->wait_for_calls("receive", 6));
    const std::uint64_t before = wake_ups();

    ASSERT_TRUE(provider_->wait_for_calls("receive", 6 + calls));

    EXPECT_LE(wake_ups() - before, (calls + 2) * wake_ups_of_a_call);
    EXPECT_EQ(provider_->calls("settle"), 0);
    EXPECT_EQ(provider_->calls("extend"), 0);
}

TEST_F(IdleTest, AQueueThatIsEmptyIsAskedOnceForEachWait) {
    start({.queues = {"x", "y"}, .poll_wait = 1min});

    ASSERT_TRUE(provider_->wait_for_calls("receive", 4));
    enqueue("unknown", {.queue = "x", .max_attempts = 1});
    first_ended();

    // Two calls for each queue, and the next one of the queue that had a job.
    ASSERT_TRUE(provider_->wait_for_calls("receive", 5));
    EXPECT_EQ(provider_->calls("receive"), 5);
}

}  // namespace
}  // namespace tranter
