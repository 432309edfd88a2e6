#include "admin/service.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::admin {
namespace {

class FixedClock final : public Clock {
  public:
    Instant now() const override { return Instant(std::chrono::seconds(1'700'000'000)); }
};

/// A log that says what the test wants.
class StubJournal final : public broker::Journal {
  public:
    broker::Position append(const broker::Record&) override { return 0; }
    broker::Position end() const override { return 0; }
    void when_durable(broker::Position, Done done) override { done(true); }
    bool is_durable(broker::Position) const override { return true; }
    void when_written(broker::Position, Done done) override { done(true); }
    bool is_written(broker::Position) const override { return true; }
    broker::Accepts accepts() const override { return accepted; }
    std::string trouble() const override { return why; }

    broker::Accepts accepted = broker::Accepts::everything;
    std::string why{};
};

class AdminServiceTest : public testing::Test {
  protected:
    http::Response get(
        std::string_view path, std::string_view query = {}, std::vector<http::Header> headers = {}
    ) {
        return service.answer({.method = "GET", .path = path, .query = query, .headers = headers});
    }
    broker::QueueHandle queue_with(std::string_view name, std::string_view body) {
        auto queue = *broker.create_queue(name, {});
        std::ignore =
            broker.send(queue, {.payload = engine::Payload::make({.body = body}), .options = {}});
        return queue;
    }

    FixedClock clock;
    StubJournal journal;
    broker::Broker broker{{}, clock, journal};
    Service service{{}, broker};
};

TEST_F(AdminServiceTest, IsAliveBeforeItIsReady) {
    EXPECT_EQ(get("/livez").status, 200);
    EXPECT_EQ(get("/startupz").status, 503);
    EXPECT_EQ(get("/readyz").status, 503);

    service.set_ready(true);

    EXPECT_EQ(get("/startupz").status, 200);
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/health").status, 200);
}

TEST_F(AdminServiceTest, IsNotReadyWhileItDrains) {
    service.set_ready(true);

    broker.stop();

    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "draining\n");
    EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(AdminServiceTest, AnswersTheHealthPathsOfOtherDeployments) {
    service.set_ready(true);

    const http::Response health = get("/api/health");
    const http::Response ready = get("/api/health/ready");

    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(health.content_type, "application/json");
    EXPECT_NE(
        health.body.find(R"("queue":{"status":"ok","driver":"memory","durable":false,)"
                         R"("durability":"none","latencyMs":null})"),
        std::string::npos
    ) << health.body;
    EXPECT_EQ(ready.status, 200);
    EXPECT_TRUE(ready.body.starts_with(R"({"status":"ready","timestamp":")")) << ready.body;

    journal.accepted = broker::Accepts::nothing;
    journal.why = "the disk is gone";

    EXPECT_EQ(get("/api/health").status, 503);
    const http::Response unready = get("/api/health/ready");
    EXPECT_EQ(unready.status, 503);
    EXPECT_NE(unready.body.find(R"("reasons":["the disk is gone"])"), std::string::npos);
}

TEST_F(AdminServiceTest, IsNotReadyInMemoryWhenQueuesHaveToBeDurable) {
    for (const auto& [durability, status] : {std::pair("none", 503), std::pair("os", 200)}) {
        Service strict{{.drop_in = {.durability = durability, .require_durable = true}}, broker};
        strict.set_ready(true);

        const auto answer = strict.answer({.method = "GET", .path = "/api/health/ready"});

        EXPECT_EQ(answer.status, status) << answer.body;
        EXPECT_EQ(strict.answer({.method = "GET", .path = "/readyz"}).status, 200);
    }
}

TEST_F(AdminServiceTest, ShowsWorkersAndDepthsInTheShapeOfOtherDeployments) {
    const auto orders = queue_with("orders", "1");
    queue_with("mail", "2");
    std::ignore = broker.send(
        orders,
        {.payload = engine::Payload::make({.body = "3"}), .options = {.delay = Duration(9'000'000)}}
    );
    Service full{
        {.drop_in =
             {.durability = "sync",
              .has_worker = [] { return true; },
              .scheduler_store = "sqlite"}},
        broker};
    full.set_ready(true);

    const auto body = full.answer({.method = "GET", .path = "/api/admin/workers/status"}).body;

    EXPECT_TRUE(body.starts_with(R"({"success":true,"data":{"timestamp":")")) << body;
    for (const char* part : {
             R"("executionWorker":{"started":true,"queueDriver":"file","metrics":{"queueDepths":{)",
             R"("orders":{"waiting":1,"active":0,"total":2})",
             R"("mail":{"waiting":1,"active":0,"total":1})",
             R"("scheduler":{"preferredStrategy":"sqlite","redis":{"status":"ready"}}}})",
         }) {
        EXPECT_NE(body.find(part), std::string::npos) << part << " is not in " << body;
    }
}

TEST_F(AdminServiceTest, ShowsWorkersToThoseWithTheTokenOnly) {
    Service closed{{.token = "0123456789abcdef"}, broker};
    const auto ask = [&](std::string_view path, std::string_view authorization) {
        const std::vector<http::Header> headers{{"authorization", authorization}};
        return closed.answer({.method = "GET", .path = path, .headers = headers}).status;
    };

    EXPECT_EQ(ask("/api/admin/workers/status", "Bearer wrong"), 401);
    EXPECT_EQ(ask("/api/admin/workers/status", "Bearer 0123456789abcdef"), 200);
    EXPECT_EQ(ask("/api/health", ""), 503);
}

TEST_F(AdminServiceTest, ShowsQueueMetricsInTextFormat) {
    queue_with("orders", "hello");

    const http::Response response = get("/metrics");

    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    for (const char* line : {
             "# TYPE tranter_queue_messages gauge\n",
             "tranter_queue_messages{queue=\"orders\",state=\"visible\"} 1\n",
             "tranter_messages_sent_total{queue=\"orders\"} 1\n",
             "tranter_queue_oldest_age_seconds{queue=\"orders\"} 0\n",
             "tranter_queue_bytes{queue=\"orders\"} 5\n",
         }) {
        EXPECT_NE(response.body.find(line), std::string::npos) << line;
    }
    EXPECT_EQ(response.body.back(), '\n');
}

TEST_F(AdminServiceTest, ShowsTheDepthOfDeadLetterQueuesAlone) {
    queue_with("orders-dlq", "gone wrong");
    queue_with("others", "x");
    broker::QueueSettings settings;
    settings.dead_letter_queue = "orders-dlq";
    ASSERT_TRUE(broker.create_queue("orders", settings));

    const std::string metrics = get("/metrics").body;

    EXPECT_NE(metrics.find("tranter_queue_dead_messages{queue=\"orders-dlq\"} 1\n"), metrics.npos);
    EXPECT_EQ(metrics.find("tranter_queue_dead_messages{queue=\"others\"}"), metrics.npos);
}

TEST_F(AdminServiceTest, ShowsJobsAndHowLongRequestsTook) {
    constexpr static std::array bounds{0.001, 1.0};
    JobQueueMetrics jobs{.queue = "mail", .types = {{.type = "welcome", .enqueued = 3, .dead = 1}}};
    jobs.queue_latency.add(duration_bounds, 0.2);
    Service full(
        {.metrics = {
             .durations =
                 [] {
                     return std::vector<RequestDurations>{
                         {.action = "SendMessage",
                          .bounds = bounds,
                          .counts = {1, 2, 0},
                          .sum = 1.5}};
                 },
             .jobs = [&] { return std::vector{jobs}; },
             .history =
                 [] {
                     return HistoryCounts{.written = 7, .dropped = 2, .waiting = 4};
                 }}},
        broker
    );

    const std::string text = full.answer({.method = "GET", .path = "/metrics"}).body;

    for (const char* line : {
             "tranter_jobs_enqueued_total{queue=\"mail\",job_type=\"welcome\"} 3\n",
             "tranter_jobs_completed_total{queue=\"mail\",job_type=\"welcome\"} 0\n",
             "tranter_jobs_dead_total{queue=\"mail\",job_type=\"welcome\"} 1\n",
             "tranter_history_jobs_total{outcome=\"written\"} 7\n",
             "tranter_history_jobs_total{outcome=\"dropped\"} 2\n",
             "tranter_history_jobs_waiting 4\n",
             "tranter_job_queue_latency_seconds_bucket{queue=\"mail\",le=\"0.1\"} 0\n",
             "tranter_job_queue_latency_seconds_bucket{queue=\"mail\",le=\"0.25\"} 1\n",
             "tranter_api_request_duration_seconds_bucket{action=\"SendMessage\",le=\"1\"} 3\n",
             "tranter_api_request_duration_seconds_sum{action=\"SendMessage\"} 1.5\n",
         }) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

TEST_F(AdminServiceTest, IsNotAliveOnceAThreadIsStuck) {
    bool stuck = false;
    const Service watched(
        {.is_stuck =
             [&] {
                 return stuck;
             }},
        broker
    );

    EXPECT_EQ(watched.answer({.method = "GET", .path = "/livez"}).status, 200);
    stuck = true;
    EXPECT_EQ(watched.answer({.method = "GET", .path = "/livez"}).status, 503);
}

TEST_F(AdminServiceTest, ShowsEachCheckAndLeavesOutOne) {
    service.set_ready(true);
    journal.accepted = broker::Accepts::nothing;
    journal.why = "the disk is gone";

    EXPECT_EQ(
        get("/readyz", "verbose").body,
        "[+]serving ok\n[-]data fail: the disk is gone\nthe disk is gone\n"
    );
    EXPECT_EQ(get("/readyz", "exclude=data").status, 200);
}

TEST_F(AdminServiceTest, AnswersStatisticsAsElasticMqDoes) {
    queue_with("orders", "hello");

    EXPECT_EQ(
        get("/statistics/queues").body,
        R"([{"name":"orders","statistics":{"approximateNumberOfVisibleMessages":1,)"
        R"("approximateNumberOfInvisibleMessages":0,"approximateNumberOfMessagesDelayed":0}}])"
    );
    EXPECT_EQ(get("/statistics/queues/orders").body, R"({"name":"orders","attributes":{}})");
    EXPECT_EQ(get("/statistics/queues/none").status, 404);
}

TEST_F(AdminServiceTest, PeeksWithoutReceiving) {
    const auto queue = queue_with("orders", "a \"quoted\" \x01 body");

    const http::Response response = get("/queues/orders/messages", "limit=5");

    EXPECT_NE(response.body.find(R"(a \"quoted\" \u0001 body)"), std::string::npos);
    EXPECT_NE(response.body.find(R"("sent_at":"2023-11-14T22:13:20.000Z")"), std::string::npos);
    EXPECT_EQ(queue->counters(clock.now()).received, 0U);
}

TEST_F(AdminServiceTest, RefusesNumbersOutOfRange) {
    queue_with("orders", "x");

    for (const char* query :
         {"limit=0", "limit=1001", "limit=x", "limit=", "limit=-1", "offset=a"}) {
        EXPECT_EQ(get("/queues/orders/messages", query).status, 400) << query;
    }
    EXPECT_EQ(get("/queues/none/messages").status, 404);
}

TEST_F(AdminServiceTest, APageOfLargeMessagesIsShortAndSaysWhereTheNextBegins) {
    const std::string large(std::size_t{1} << 20, 'x');
    const auto queue = queue_with("orders", large + "0");
    for (int i = 1; i < 12; ++i) {
        std::ignore = broker.send(
            queue,
            {.payload = engine::Payload::make({.body = large + std::to_string(i)}), .options = {}}
        );
    }
    const std::string page = get("/queues/orders/messages", "limit=1000&offset=1").body;
    const std::string rest = get("/queues/orders/messages", "limit=1000&offset=5").body;

    EXPECT_LT(page.size(), std::size_t{6} << 20);
    EXPECT_NE(page.find("x4\""), std::string::npos);
    EXPECT_EQ(page.find("x5\""), std::string::npos);
    EXPECT_TRUE(page.ends_with("],\"next_offset\":5}\n"));
    EXPECT_NE(rest.find("x5\""), std::string::npos);
    EXPECT_EQ(
        get("/queues/orders/messages", "limit=1").body.find("next_offset"), std::string::npos
    );
}

TEST_F(AdminServiceTest, AsksForTheTokenExceptForHealth) {
    Service closed({.token = "0123456789abcdef"}, broker);
    const auto ask = [&](std::string_view path, std::vector<http::Header> headers) {
        return closed.answer({.method = "GET", .path = path, .headers = headers}).status;
    };

    EXPECT_EQ(ask("/livez", {}), 200);
    EXPECT_EQ(ask("/metrics", {}), 401);
    EXPECT_EQ(ask("/metrics", {{"Authorization", "Bearer 0123456789abcdeF"}}), 401);
    EXPECT_EQ(ask("/metrics", {{"Authorization", "0123456789abcdef"}}), 401);
    EXPECT_EQ(ask("/metrics", {{"authorization", "Bearer 0123456789abcdef"}}), 200);
}

TEST_F(AdminServiceTest, ServesNothingButReads) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
        EXPECT_EQ(service.answer({.method = method, .path = "/metrics"}).status, 405) << method;
    }
    EXPECT_EQ(get("/nothing").status, 404);
}

class AdminStorageTest : public AdminServiceTest {
  protected:
    AdminStorageTest() { stored.set_ready(true); }

    http::Response ask(std::string_view path) {
        return stored.answer({.method = "GET", .path = path});
    }

    bool disk_fails = false;
    Service stored{
        {.metrics =
             {.storage = {
                  .durability = "sync",
                  .recovery = std::chrono::milliseconds(250),
                  .figures =
                      [] {
                          return log::LogFigures{
                              .oldest_segment = 3,
                              .newest_segment = 5,
                              .bytes = 4096,
                              .commits = 7,
                              .appended_bytes = 900,
                              .appended_records = 11,
                              .syncs = 5,
                              .sync_micros = 1'500'000};
                      },
                  .live_bytes = [] { return 1024; },
                  .free_bytes =
                      [this] {
                          if (disk_fails) throw log::DiskError("cannot stat data", false);
                          return 65536;
                      }}}},
        broker};
};

TEST_F(AdminStorageTest, ShowsTheDurabilityAndTheSegments) {
    EXPECT_EQ(
        ask("/health").body,
        R"({"status":"ok","durability":"sync","checks":[{"name":"serving","status":"ok"},)"
        R"({"name":"data","status":"ok","latency_ms":300,"oldest_segment":3,)"
        R"("newest_segment":5,"bytes":4096}]})"
        "\n"
    );
}

TEST_F(AdminStorageTest, SaysThatThereIsNoDataDirectory) {
    service.set_ready(true);

    EXPECT_EQ(
        get("/health").body,
        R"({"status":"ok","durability":"none","checks":[{"name":"serving","status":"ok"}]})"
        "\n"
    );
    EXPECT_EQ(get("/metrics").body.find("tranter_store"), std::string::npos);
}

TEST_F(AdminStorageTest, IsReadyButDegradedWhileTheDiskIsNearlyFull) {
    journal.accepted = broker::Accepts::no_growth;
    journal.why = "7 MiB are free";

    EXPECT_EQ(ask("/readyz").status, 200);
    EXPECT_EQ(ask("/readyz").body, "ok, 7 MiB are free\n");
    EXPECT_EQ(ask("/health").status, 200);
    EXPECT_NE(ask("/health").body.find(R"("status":"degraded")"), std::string::npos);
}

TEST_F(AdminStorageTest, IsNotReadyOnceTheLogFailedAndSaysWhy) {
    journal.accepted = broker::Accepts::nothing;
    journal.why = "cannot sync log-1: Input/output error";

    EXPECT_EQ(ask("/readyz").status, 503);
    EXPECT_NE(ask("/readyz").body.find("Input/output error"), std::string::npos);
    EXPECT_EQ(ask("/health").status, 503);
    EXPECT_NE(ask("/health").body.find("Input/output error"), std::string::npos);
    EXPECT_EQ(ask("/livez").status, 200);
}

TEST_F(AdminStorageTest, ShowsMetricsOfTheLog) {
    journal.accepted = broker::Accepts::no_growth;

    const std::string text = ask("/metrics").body;

    for (const char* line : {
             "tranter_store_wal_bytes 4096\n",
             "tranter_store_wal_segments 3\n",
             "tranter_store_live_bytes 1024\n",
             "tranter_store_free_bytes 65536\n",
             "tranter_store_commits_total 7\n",
             "tranter_store_appended_bytes_total 900\n",
             "tranter_store_appended_records_total 11\n",
             "# TYPE tranter_store_fsync_duration_seconds summary\n",
             "tranter_store_fsync_duration_seconds_sum 1.5\n",
             "tranter_store_fsync_duration_seconds_count 5\n",
             "tranter_store_recovery_seconds 0.25\n",
             "tranter_store_accepts{state=\"everything\"} 0\n",
             "tranter_store_accepts{state=\"no_growth\"} 1\n",
         }) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

TEST_F(AdminStorageTest, ShowsTheOtherMetricsWhenTheDiskCannotSayHowMuchIsFree) {
    disk_fails = true;

    const http::Response metrics = ask("/metrics");

    EXPECT_EQ(metrics.status, 200);
    EXPECT_EQ(metrics.body.find("tranter_store_free_bytes"), std::string::npos);
    EXPECT_NE(metrics.body.find("tranter_store_wal_bytes 4096\n"), std::string::npos);
}

}  // namespace
}  // namespace tranter::admin
