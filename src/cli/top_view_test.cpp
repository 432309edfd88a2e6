#include "cli/top_view.hpp"

#include "cli/terminal_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr Instant first_look{std::chrono::seconds(1'800'000'000)};

QueueStats stats_of(std::string name, std::uint64_t pending, std::optional<Milliseconds> oldest) {
    return {.queue = std::move(name), .pending = pending, .oldest_pending = oldest};
}

TopSample sample_at(Duration after, std::vector<QueueStats> queues) {
    return {.at = first_look + after, .queues = std::move(queues)};
}

std::vector<std::string> queue_names_of(const std::vector<TopQueue>& queues) {
    std::vector<std::string> names;
    for (const TopQueue& queue : queues)
        names.push_back(queue.stats.queue);
    return names;
}

TEST(TopQueuesTest, HaveTheWorstFirst) {
    const TopSample latest = sample_at(
        0s,
        {stats_of("idle", 0, {}),
         stats_of("deep", 1000, 5s),
         stats_of("old", 1, 90s),
         stats_of("also idle", 0, {}),
         stats_of("less deep", 10, 5s)}
    );

    EXPECT_THAT(
        queue_names_of(top_queues(latest, latest)),
        ElementsAre("old", "deep", "less deep", "also idle", "idle")
    );
}

TEST(TopQueuesTest, HaveRatesBetweenTwoSamples) {
    QueueStats before = stats_of("mail", 10, {});
    before.completed = 100;
    before.failed = 5;
    QueueStats latest = before;
    latest.pending = 14;
    latest.completed = 120;
    latest.failed = 7;

    const auto queues = top_queues(sample_at(0s, {before}), sample_at(2s, {latest}));

    EXPECT_EQ(queues.at(0).enqueued, 12);
    EXPECT_EQ(queues.at(0).completed, 10);
    EXPECT_EQ(queues.at(0).failed, 1);
}

TEST(TopQueuesTest, HaveNoRatesOfOneMomentAndNoneOfAStoreThatDoesNotCount) {
    TopSample one = sample_at(0s, {stats_of("mail", 1, {})});
    EXPECT_EQ(top_queues(one, one).at(0).completed, std::nullopt);

    TopSample later = sample_at(1s, {stats_of("mail", 5, {})});
    later.counts = false;
    EXPECT_EQ(top_queues(one, later).at(0).enqueued, std::nullopt);
}

TEST(TopQueuesTest, CountNothingTwiceWhenAServerBeginsAnew) {
    QueueStats before = stats_of("mail", 0, {});
    before.completed = 100;

    const auto queues =
        top_queues(sample_at(0s, {before}), sample_at(1s, {stats_of("mail", 0, {})}));

    EXPECT_EQ(queues.at(0).completed, 0);
    EXPECT_EQ(queues.at(0).enqueued, 0);
}

TEST(TopQueuesTest, HaveLatenciesOfTheLastIntervalOrOfAll) {
    TopSample before = sample_at(0s, {stats_of("mail", 0, {})});
    before.latencies["mail"] = {{1, 100}, {2, 100}};
    TopSample latest = sample_at(1s, {stats_of("mail", 0, {})});
    latest.latencies["mail"] = {{1, 100}, {2, 110}};

    EXPECT_EQ(top_queues(before, latest).at(0).latency_p50, 1.5);
    EXPECT_EQ(top_queues(latest, latest).at(0).latency_p50, 0.55);
    EXPECT_EQ(top_queues(latest, sample_at(2s, latest.queues)).at(0).latency_p50, std::nullopt);
}

TopSample busy_sample() {
    QueueStats mail = stats_of("mail", 12, 90s);
    mail.processing = 3;
    mail.paused = true;
    TopSample latest = sample_at(1s, {mail});
    latest.workers = {
        {.name = "worker-1",
         .queues = {"mail", "default"},
         .running = 3,
         .concurrency = 8,
         .version = "1.0",
         .last_seen = TimePoint(latest.at.time_since_epoch() - 5s)}};
    latest.latencies["mail"] = {{0.25, 10}};
    return latest;
}

TEST(TopLinesTest, ShowQueuesAndWorkers) {
    const TopSample latest = busy_sample();

    EXPECT_THAT(
        top_lines(latest, latest, {}),
        ElementsAre(
            "queues 1  pending 12  running 3  done/s 0  workers 1",
            "QUEUE  PENDING  OLDEST  RUNNING  LATER  IN/S  DONE/S  FAILED/S  DEAD    P50    P95    "
            "P99  NOTE",
            "mail        12     90s        3      0     -       -         -     -  125ms  238ms  "
            "248ms  paused",
            "",
            "WORKER    RUNNING  OF    SEEN  VERSION  QUEUES",
            "worker-1        3   8  5s ago  1.0      mail, default"
        )
    );
}

TEST(TopLinesTest, FitIntoEveryWidth) {
    TopSample latest = busy_sample();
    latest.queues.push_back(stats_of("日本語のキュー" + std::string(90, 'q'), 1, 1s));
    latest.queues.push_back(stats_of("\x1b[2J", 99999999, 1s));
    latest.workers->front().name = std::string(200, 'w');
    for (const std::size_t width : {20, 40, 80, 120, 200}) {
        for (const std::string& line : top_lines(latest, latest, {width, true})) {
            EXPECT_LE(shown_columns(line), width) << line;
            EXPECT_THAT(line, Not(HasSubstr("\x1b[2J")));
        }
    }
}

TEST(TopJsonTest, HasNullsForWhatIsNotKnown) {
    TopSample latest = busy_sample();
    const Json record = top_json(latest, latest);

    EXPECT_EQ(record["at"].text(), "2027-01-15T08:00:01Z");
    const Json& queue = record["queues"].items().at(0);
    EXPECT_EQ(queue["name"].text(), "mail");
    EXPECT_EQ(queue["oldest_ms"].number(), 90000);
    EXPECT_TRUE(queue["completed_per_second"].is_null());
    EXPECT_EQ(queue["latency_p50_ms"].dump(), "125");
    EXPECT_EQ(record["workers"].items().at(0)["queues"].items().size(), 2U);

    latest.workers.reset();
    EXPECT_THAT(top_json(latest, latest).dump(), HasSubstr("\"workers\":null"));
    latest.workers.emplace();
    EXPECT_THAT(top_json(latest, latest).dump(), HasSubstr("\"workers\":[]"));
}

}  // namespace
}  // namespace tranter::cli
