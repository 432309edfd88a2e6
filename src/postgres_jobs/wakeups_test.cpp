#include "base/uuid.hpp"
#include "postgres/migrate.hpp"
#include "postgres/test_server.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/schema.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr const char* bells = "bells";
constexpr minutes longest_test_wait(2);

constexpr postgres::Statement enqueue_one(
    "SELECT tranter.enqueue_plain($1, ARRAY[$2::uuid], ARRAY['t'], ARRAY['1'])"
);
constexpr postgres::Statement end_others(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
    "pid <> pg_backend_pid()"
);

/// The ids of jobs that came, by whatever thread.
class Arrivals {
  public:
    void add(const std::vector<ReceivedJob>& jobs) {
        const std::lock_guard lock(mutex_);
        for (const ReceivedJob& job : jobs)
            ids_.insert(job.id);
        changed_.notify_all();
    }
    /// False when they do not come.
    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, longest_test_wait, [&] { return ids_.size() >= count; });
    }
    bool wait_for(const std::string& id) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, longest_test_wait, [&] { return ids_.contains(id); });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::multiset<std::string> ids_{};  // guarded by mutex_
};

class WakeupsTest : public testing::Test {
  public:
    WakeupsTest() {
        postgres::migrate(admin_, schema_room, migrations());
        admin_.run("SELECT tranter.queue_of('bells')");
    }

    /// Nothing but a notification wakes a receive of it.
    std::unique_ptr<Store> process() const { return std::make_unique<Store>(target_, hours(1)); }

    static Result<std::vector<ReceivedJob>> receive(
        Store& store, const std::stop_token& stop = {}, Milliseconds wait = hours(1)
    ) {
        return receive_jobs(
            store, {.queue = bells, .jobs_max = 2, .lease = hours(1), .wait = wait, .stop = stop}
        );
    }

    std::string enqueue() { return enqueue(admin_); }
    static std::string enqueue(postgres::Connection& connection) {
        std::string id = format_uuid(make_uuid());
        connection.execute(enqueue_one, std::array<postgres::Parameter, 2>{bells, id});
        return id;
    }
    /// Until the database has such a row.
    void wait_for(const char* row) {
        const auto until = std::chrono::steady_clock::now() + longest_test_wait;
        while (admin_.query(row).empty()) {
            if (std::chrono::steady_clock::now() > until) throw std::runtime_error(row);
            std::this_thread::yield();
        }
    }
    /// Somebody sleeps, or is about to when a last look finds nothing.
    void wait_for_wish() { wait_for("SELECT 1 FROM tranter.queue_hints WHERE wanted AND sure"); }

    const postgres::Target target_ =
        postgres::parse_target(postgres::test::server().new_database()).value();
    postgres::Connection admin_{target_};
};

/// Receives of several processes, each in a loop.
class Sleepers {
  public:
    Sleepers(std::vector<Store*> stores, int threads_each) : stores_(std::move(stores)) {
        for (Store* store : stores_) {
            for (int i = 0; i < threads_each; ++i) {
                threads_.emplace_back([this, store](const std::stop_token& stop) {
                    receive_until(stop, *store);
                });
            }
        }
    }

    Arrivals arrivals{};

  private:
    void receive_until(const std::stop_token& stop, Store& store) {
        while (!stop.stop_requested()) {
            if (const auto jobs = WakeupsTest::receive(store, stop)) arrivals.add(*jobs);
        }
    }

    std::vector<Store*> stores_;
    std::vector<std::jthread> threads_{};
};

/// Transactions of all kinds, each with one job; some of them wait until everybody sleeps again.
void enqueue_at_random(
    const postgres::Target& target, Arrivals& arrivals, unsigned seed, int count
) {
    postgres::Connection connection(target);
    std::minstd_rand chance(seed);
    const auto one_in = [&](unsigned n) {
        return chance() % n == 0;
    };
    for (int done = 0; done < count;) {
        connection.run(
            one_in(5) ? "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM tranter.queues"
                      : "BEGIN"
        );
        const unsigned before = chance() % 20;
        for (unsigned i = 0; i < before; ++i)
            connection.run("SELECT 1");
        const std::string id = WakeupsTest::enqueue(connection);
        const unsigned after = chance() % 60;
        for (unsigned i = 0; i < after; ++i)
            connection.run("SELECT 1");
        if (one_in(6)) {
            connection.run("ROLLBACK");
            continue;
        }
        connection.run("COMMIT");
        ++done;
        if (!one_in(4) && !arrivals.wait_for(id)) return;
    }
}

TEST_F(WakeupsTest, WhatIsDueAndHeldByOthersIsLookedForLessAndLessOften) {
    const auto store = process();
    int looks = 0;

    const auto jobs = store->wakeups.receive(1, std::chrono::seconds(1), {}, [&](std::int64_t) {
        ++looks;
        return Result<Look>(Look{.next = std::chrono::milliseconds(0)});
    });

    ASSERT_TRUE(jobs);
    EXPECT_LT(looks, 30);
}

TEST_F(WakeupsTest, NoJobIsMissedByThoseWhoSleep) {
    constexpr int enqueuers = 2;
    constexpr int each = 120;
    const auto first = process();
    const auto second = process();
    const auto third = process();
    Sleepers sleepers({first.get(), second.get(), third.get()}, 3);
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));

    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < enqueuers; ++i) {
            threads.emplace_back([&, i] {
                enqueue_at_random(target_, sleepers.arrivals, seed + i, each);
            });
        }
    }

    EXPECT_TRUE(sleepers.arrivals.wait_for(enqueuers * each));
}

TEST_F(WakeupsTest, ATransactionThatBeganBeforeSomebodySleptIsNotMissed) {
    const auto store = process();
    postgres::Connection slow(target_);
    slow.run("BEGIN");
    const std::string id = enqueue(slow);
    Sleepers sleepers({store.get()}, 1);
    wait_for("SELECT 1 FROM tranter.queue_hints WHERE wanted AND NOT sure");

    slow.run("COMMIT");

    EXPECT_TRUE(sleepers.arrivals.wait_for(id));
}

TEST_F(WakeupsTest, WhoHearsNothingMoreListensAgainAndLooks) {
    const auto store = process();
    Sleepers sleepers({store.get()}, 2);
    wait_for_wish();
    for (int i = 0; i < 3; ++i) {
        admin_.execute(end_others);

        EXPECT_TRUE(sleepers.arrivals.wait_for(enqueue()));
    }
}

TEST_F(WakeupsTest, ALeaseThatEndsWakesNobodyTooLate) {
    const auto dead = process();
    enqueue();
    const auto lost =
        receive_jobs(*dead, {.queue = bells, .lease = std::chrono::seconds(1), .wait = minutes(1)});
    ASSERT_EQ(lost.value().size(), 1U);

    const auto again = receive(*dead, {}, minutes(2));

    ASSERT_TRUE(again);
    ASSERT_EQ(again->size(), 1U);
    EXPECT_EQ(again->front().attempt, 2U);
}

TEST_F(WakeupsTest, OnlyThoseWhoSleepAreNotified) {
    postgres::Connection listener(target_);
    listener.run("LISTEN tranter_jobs");
    const auto said = [&] {
        std::size_t count = 0;
        listener.run("SELECT 1");
        listener.take_notifications([&](auto, auto) { ++count; });
        return count;
    };
    enqueue();
    EXPECT_EQ(said(), 0U);

    const auto store = process();
    EXPECT_EQ(receive(*store).value().size(), 1U);
    Sleepers sleepers({store.get()}, 1);
    wait_for_wish();
    EXPECT_TRUE(sleepers.arrivals.wait_for(enqueue()));
    std::size_t heard = 0;
    while (heard == 0)
        heard = said();
    EXPECT_EQ(heard, 1U);
}

TEST_F(WakeupsTest, AStopAndTheCloseOfTheStoreEndSleep) {
    const auto store = process();
    std::stop_source stop;
    Result<std::vector<ReceivedJob>> stopped;
    {
        const std::jthread sleeper([&] { stopped = receive(*store, stop.get_token()); });
        wait_for_wish();
        stop.request_stop();
    }
    EXPECT_TRUE(stopped.has_value() && stopped->empty());

    Result<std::vector<ReceivedJob>> closed;
    Result<JobRecord> unended;
    const std::string id = enqueue();
    ASSERT_EQ(receive(*store).value().size(), 1U);
    {
        const std::jthread sleeper([&] { closed = receive(*store); });
        const std::jthread waiter([&] { unended = wait_for_job(*store, id, hours(1)); });
        wait_for_wish();
        wait_for("SELECT 1 FROM tranter.jobs WHERE waited");
        store->close();
    }
    EXPECT_EQ(closed.error().code(), Errc::unavailable);
    EXPECT_EQ(unended.error().code(), Errc::unavailable);
}

TEST_F(WakeupsTest, TheEndOfAJobIsHeardByThoseWhoWaitForIt) {
    const auto waiting = process();
    const auto working = process();
    const std::string id = enqueue();
    Result<JobRecord> ended;
    {
        const std::jthread waiter([&] { ended = wait_for_job(*waiting, id, hours(1)); });
        wait_for("SELECT 1 FROM tranter.jobs WHERE waited");
        const auto jobs = receive(*working);
        ASSERT_EQ(jobs.value().size(), 1U);
        const Settlement completed{.receipt = jobs->front().receipt, .outcome = Completed{"7"}};
        EXPECT_TRUE(settle_jobs(*working, bells, {&completed, 1}).value().front());
    }
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, JobState::completed);
}

}  // namespace
}  // namespace tranter::postgres_jobs
