// Slots never leak: whatever becomes of a thousand jobs, afterwards every limit is exactly free.
#include "fixture.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace tranter {
namespace {

/// So many have to be here at the same time.
class Rendezvous {
  public:
    explicit Rendezvous(int wanted) : wanted_(wanted) {}

    bool arrive_and_wait() {
        std::unique_lock lock(mutex_);
        if (++here_ == wanted_) all_here_.notify_all();
        return all_here_.wait_for(lock, patience, [this] { return here_ >= wanted_; });
    }

  private:
    const int wanted_;
    std::mutex mutex_;
    std::condition_variable all_here_;
    int here_ = 0;
};

/// How many deliveries of jobs run that have something in common, and the most there ever were.
class Running {
  public:
    void begin(const std::string& what, const Context& context) {
        const std::lock_guard lock(mutex_);
        auto& here = here_[what];
        here.emplace(context.job().receipt, context.run());
        std::set<std::string> jobs;
        for (const auto& [receipt, run] : here)
            jobs.insert(receipt);
        most_[what] = std::max(most_[what], jobs.size());
    }
    void end(const std::string& what, const Context& context) {
        const std::lock_guard lock(mutex_);
        here_[what].erase({context.job().receipt, context.run()});
    }
    std::size_t most(const std::string& what) {
        const std::lock_guard lock(mutex_);
        return most_[what];
    }

  private:
    std::mutex mutex_;
    std::map<std::string, std::set<std::pair<std::string, std::uint32_t>>> here_;
    std::map<std::string, std::size_t> most_;
};

class SlotsTest : public JobsTest {
  public:
    ~SlotsTest() override = default;

  protected:
    static constexpr unsigned concurrency = 6;
    static constexpr unsigned of_queue = 4;
    static constexpr unsigned of_handler = 2;
    static constexpr unsigned of_group = 2;
    static constexpr int groups = 5;

    enum class Fate : std::uint8_t {
        completes,
        throws,
        dies,
        snoozes,
        times_out,
        is_cancelled,
        loses_its_lease,
        hears_of_its_lost_lease,
        one_run_is_enough,
        one_run_fails,
    };
    static constexpr std::array<int, 10> likelihood{20, 15, 10, 10, 15, 2, 10, 1, 9, 8};

    void take_away(Context& context) const {
        const Settlement taken{context.job().receipt, Dead{.type = "taken", .reason = "away"}};
        or_throw(client_.provider()->settle(context.queue(), std::span(&taken, 1)));
    }

    Outcome<int> meet(Fate fate, Context& context) const {
        switch (fate) {
            case Fate::completes:
                break;
            case Fate::throws:
                throw std::runtime_error("no mailbox");
            case Fate::dies:
                return dead("no such user");
            case Fate::snoozes:
                if (context.attempt() == 1 && context.earlier_steps().empty()) {
                    context.step("snooze", [] {});
                    return snooze(1ms);
                }
                break;
            case Fate::times_out:
                wait_for(context.stop_token());
                break;
            case Fate::is_cancelled:
                (void)client_.cancel(context.id());
                wait_for(context.stop_token());
                return cancelled();
            case Fate::loses_its_lease:
                take_away(context);
                break;
            case Fate::hears_of_its_lost_lease:
                take_away(context);
                wait_for(context.stop_token());
                break;
            case Fate::one_run_is_enough:
                if (context.run() != 2) wait_for(context.stop_token());
                break;
            case Fate::one_run_fails:
                if (context.run() == 2) throw std::runtime_error("no disk");
                break;
        }
        return 1;
    }

    auto wild() {
        return [this](Context& context) {
            const std::array<std::string, 3> kinds{
                "type " + context.type(), "queue " + context.queue(), "group " + context.group()};
            for (const std::string& kind : kinds)
                running_.begin(kind, context);
            struct Leave {
                Running& running;
                const std::array<std::string, 3>& kinds;
                const Context& context;
                ~Leave() {
                    for (const std::string& kind : kinds)
                        running.end(kind, context);
                }
            } const leave{running_, kinds, context};
            return meet(static_cast<Fate>(std::stoi(context.payload())), context);
        };
    }

    JobHandle enqueue_wild(std::mt19937& random) {
        std::discrete_distribution<int> fates(likelihood.begin(), likelihood.end());
        const auto fate = static_cast<Fate>(fates(random));
        EnqueueOptions options{
            .queue = random() % 2 == 0 ? "a" : "b",
            .group = "g" + std::to_string(random() % groups),
            .retry = at_once(2)};
        if (fate == Fate::times_out) options.timeout = Milliseconds(1 + random() % 5);
        const bool has_runs = fate == Fate::one_run_is_enough || fate == Fate::one_run_fails;
        if (has_runs) options.runs = 3;
        if (fate == Fate::one_run_is_enough) options.success = SuccessPolicy::any();
        return or_throw(client_.enqueue(
            {.type = random() % 2 == 0 ? "tight" : "free",
             .payload = std::to_string(static_cast<int>(fate)),
             .options = std::move(options)}
        ));
    }

    /// Whether `count` jobs can run at the same time.
    bool run_together(int count, const std::string& type, EnqueueOptions options) {
        Rendezvous all(count);
        rendezvous_ = &all;
        std::vector<JobHandle> jobs;
        for (int i = 0; i < count; ++i)
            jobs.push_back(or_throw(client_.enqueue({.type = type, .options = options})));
        return std::ranges::all_of(jobs, [](const JobHandle& job) {
            return job.result<bool>(2 * patience) == true;
        });
    }
    auto together() {
        return [this](Context&) {
            return rendezvous_.load()->arrive_and_wait();
        };
    }

    Running running_;
    std::atomic<Rendezvous*> rendezvous_ = nullptr;
};

TEST_F(SlotsTest, NeverLeak) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    handlers_.on("tight", wild(), {.concurrency = of_handler});
    handlers_.on("free", wild());
    handlers_.on("tight-together", together(), {.concurrency = of_handler});
    handlers_.on("together", together());
    start(
        {.queues = {{"a", 3, of_queue}, "b"},
         .concurrency = concurrency,
         .group_concurrency = of_group,
         .lease = 1s}
    );

    std::vector<JobHandle> jobs;
    for (int i = 0; i < 1000; ++i)
        jobs.push_back(enqueue_wild(random));
    for (const JobHandle& job : jobs)
        ASSERT_TRUE(job.wait_for(patience)) << job.id();

    EXPECT_LE(running_.most("type tight"), of_handler);
    EXPECT_LE(running_.most("queue a"), of_queue);
    EXPECT_LE(running_.most("queue b"), concurrency);
    EXPECT_TRUE(run_together(concurrency, "together", {.queue = "b"}));
    EXPECT_TRUE(run_together(of_queue, "together", {.queue = "a"}));
    EXPECT_TRUE(run_together(of_handler, "tight-together", {.queue = "b"}));
    for (int group = 0; group < groups; ++group) {
        const std::string name = "g" + std::to_string(group);
        EXPECT_LE(running_.most("group " + name), of_group);
        EXPECT_TRUE(run_together(of_group, "together", {.queue = "b", .group = name}));
    }
    worker_->stop();
    EXPECT_EQ(worker_->figures().blocked, 0);
}

}  // namespace
}  // namespace tranter
