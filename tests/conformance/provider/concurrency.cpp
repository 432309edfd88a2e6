// Many producers and consumers at once: nothing is lost, nothing is done twice.
#include "fixture.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tranter::conformance {
namespace {

constexpr int producers = 4;
constexpr int consumers = 8;
constexpr int jobs_of_each = 200;

class ConcurrencyTest : public ProviderTest {
  public:
    /// Runs `work(number)` on so many threads; what one of them throws fails the test.
    template <class Work>
    void on_threads(int count, Work work) {
        std::vector<std::jthread> threads;
        for (int i = 0; i < count; ++i) {
            threads.emplace_back([this, &work, i] {
                try {
                    work(i);
                } catch (const std::exception& error) {
                    const std::lock_guard lock(mutex_);
                    problems_.emplace_back(error.what());
                    stop_.request_stop();
                }
            });
        }
        threads.clear();
        EXPECT_THAT(problems_, testing::IsEmpty());
    }

    void produce(int number) {
        const std::size_t batch = std::min<std::size_t>(can().batch_max, 1 + 4 * number);
        for (int sent = 0; sent < jobs_of_each;) {
            std::vector<NewJob> jobs;
            for (; jobs.size() < batch && sent < jobs_of_each; ++sent)
                jobs.push_back(job(std::to_string(sent), {.retry = at_once()}));
            const auto answers = must(try_enqueue(jobs));
            const std::lock_guard lock(mutex_);
            for (const Enqueued& one : answers)
                EXPECT_TRUE(enqueued_.insert(one.id).second) << one.id;
        }
    }

    /// Every seventh job fails in its first attempt.
    void consume(int number) {
        const std::size_t batch = 1 + static_cast<std::size_t>(number) % 5 * 2;
        while (!stop_.stop_requested()) {
            const auto jobs = must(store().receive(
                {.queue = queue(),
                 .jobs_max = batch,
                 .lease = minutes(5),
                 .wait = minutes(5),
                 .stop = stop_.get_token()}
            ));
            std::vector<Settlement> settlements;
            for (const ReceivedJob& one : jobs) {
                const bool fails = one.attempt == 1 && std::stoi(one.payload) % 7 == 0;
                Settlement& settlement = settlements.emplace_back();
                settlement.receipt = one.receipt;
                if (fails) {
                    settlement.outcome = Failed{.type = "E", .text = "e"};
                } else {
                    settlement.outcome = Completed{};
                }
            }
            if (jobs.empty()) continue;
            const auto results = must(store().settle(queue(), settlements));
            for (const auto& result : results)
                must(result);
            count(jobs, settlements);
        }
    }

    void count(const std::vector<ReceivedJob>& jobs, const std::vector<Settlement>& settlements) {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            ++deliveries_[jobs.at(i).id];
            if (!std::holds_alternative<Completed>(settlements.at(i).outcome)) continue;
            ++completions_[jobs.at(i).id];
            if (completions_.size() == std::size_t{producers} * jobs_of_each) stop_.request_stop();
        }
    }

    std::stop_source stop_{};
    std::mutex mutex_;
    // Guarded by mutex_:
    std::vector<std::string> problems_{};
    std::set<std::string> enqueued_{};
    std::map<std::string, int> deliveries_{};
    std::map<std::string, int> completions_{};
};
TRANTER_FOR_ALL_STORES(ConcurrencyTest);

TEST_P(ConcurrencyTest, EveryJobIsDoneByExactlyOneDelivery) {
    enqueue(job());  // makes the queue
    complete(take());
    on_threads(producers + consumers, [this](int number) {
        if (number < producers) {
            produce(number);
        } else {
            consume(number - producers);
        }
    });

    EXPECT_EQ(enqueued_.size(), std::size_t{producers} * jobs_of_each);
    std::size_t deliveries = 0;
    std::size_t unknown = 0;
    for (const auto& [id, times] : deliveries_) {
        unknown += enqueued_.contains(id) ? 0 : 1;
        deliveries += static_cast<std::size_t>(times);
    }
    const auto with_completions = [this](int times) {
        return std::count_if(enqueued_.begin(), enqueued_.end(), [&](const std::string& id) {
            return completions_[id] == times;
        });
    };
    EXPECT_EQ(unknown, 0U);
    EXPECT_EQ(with_completions(0), 0) << "lost";
    EXPECT_EQ(with_completions(1), std::ptrdiff_t{producers} * jobs_of_each);
    constexpr std::size_t failing = producers * ((jobs_of_each + 6) / 7);
    EXPECT_EQ(deliveries, enqueued_.size() + failing);
    EXPECT_TRUE(nothing_left());
    const QueueStats figures = stats();
    EXPECT_EQ(figures.pending + figures.scheduled + figures.processing, 0U);
}

TEST_P(ConcurrencyTest, OfManyWhoSettleADeliveryOneSucceeds) {
    for (int round = 0; round < 10; ++round) {
        enqueue(job("1", {.retry = at_once()}));
        const ReceivedJob got = take();
        std::atomic<int> winners = 0;

        on_threads(consumers, [&](int number) {
            const auto result = settle(
                got,
                number % 2 == 0 ? AttemptOutcome(Completed{})
                                : AttemptOutcome(Dead{.type = "E", .reason = "r"})
            );
            if (result) ++winners;
        });

        EXPECT_EQ(winners, 1);
        EXPECT_TRUE(nothing_left());
    }
}

TEST_P(ConcurrencyTest, OfManyWhoEnqueueAKeyOneSucceeds) {
    TRANTER_NEEDS(dedup);
    std::atomic<int> fresh = 0;

    on_threads(consumers, [&](int) {
        const auto answers = must(try_enqueue({job("1", {.dedup = Dedup{.key = "k"}})}));
        if (answers.front().duplicate_of.empty()) ++fresh;
    });

    EXPECT_EQ(fresh, 1);
    take();
    EXPECT_TRUE(nothing_left());
}

TEST_P(ConcurrencyTest, OfManyWhoEnqueueAnIdOneSucceeds) {
    TRANTER_NEEDS(look_up);
    std::atomic<int> fresh = 0;
    NewJob one = job();
    one.id = new_id();

    on_threads(consumers, [&](int) {
        if (must(try_enqueue({one})).front().duplicate_of.empty()) ++fresh;
    });

    EXPECT_EQ(fresh, 1);
    take();
    EXPECT_TRUE(nothing_left());
}

}  // namespace
}  // namespace tranter::conformance
