// A flow of jobs that keeps a small backlog: how many go through per second, part by part.
#include "jobs_bench.hpp"
#include "load/usage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace tranter::bench {
namespace {

constexpr std::uint64_t flow_step = 1'000;

/// Handled jobs. Lets the producer wait until few enough are waiting.
class Flow {
  public:
    void count() {
        const std::lock_guard lock(mutex_);
        ++handled_;
        if (handled_ >= wanted_) reached_.notify_all();
    }
    /// False: it is `until` now.
    bool wait_for(std::uint64_t handled, std::chrono::steady_clock::time_point until) {
        std::unique_lock lock(mutex_);
        wanted_ = handled;
        return reached_.wait_until(lock, until, [&] { return handled_ >= wanted_; });
    }
    std::uint64_t handled() {
        const std::lock_guard lock(mutex_);
        return handled_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable reached_;
    // guarded by mutex_
    std::uint64_t handled_ = 0;
    std::uint64_t wanted_ = 0;
};

}  // namespace

void measure_flow(const JobsRun& run) {
    const Client client(run.url, run.options);
    Flow flow;
    Registry handlers;
    handlers.on<NoopJob>([&flow](const NoopJob&) { flow.count(); });
    Worker worker(client, handlers, {.concurrency = run.concurrency});
    worker.start();
    const Meter meter(run);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(run.seconds);
    const std::uint64_t part = std::max<std::uint64_t>(run.jobs / run.parts, 1);
    std::vector<std::uint64_t> rates;
    std::uint64_t enqueued = 0;
    std::uint64_t began = now_ns();
    for (std::uint64_t goal = part; goal <= run.jobs; goal += part) {
        bool in_time = true;
        for (; in_time && enqueued < std::min(goal + run.backlog, run.jobs);
             enqueued += flow_step) {
            const std::uint64_t most = enqueued + flow_step;
            in_time = flow.wait_for(most > run.backlog ? most - run.backlog : 0, end);
            if (in_time) enqueue_batch(client, enqueued, most);
        }
        if (!in_time || !flow.wait_for(goal, end)) break;
        const std::uint64_t now = now_ns();
        rates.push_back(part * 1'000'000'000 / (now - began));
        began = now;
    }
    const std::uint64_t handled = flow.handled();
    fmt::print(
        R"({{"rates":[{}],{}}})"
        "\n",
        fmt::join(rates, ","),
        meter.figures(handled)
    );
    worker.stop();
}

}  // namespace tranter::bench
