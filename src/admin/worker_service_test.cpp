#include "admin/worker_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tranter::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

class WorkerServiceTest : public testing::Test {
  public:
    ~WorkerServiceTest() override = default;

  protected:
    http::Response get(std::string_view target, std::string_view method = "GET") {
        const std::size_t mark = std::min(target.find('?'), target.size());
        const std::string_view query = target.substr(std::min(mark + 1, target.size()));
        return service_.answer(
            {.method = method, .target = target, .path = target.substr(0, mark), .query = query}
        );
    }

    WorkerFigures figures_{.running = 1, .waiting = 2, .receiving = true};
    WorkerMetrics metrics_{};
    WorkerService service_{
        {.version = "1",
         .worker = "w",
         .concurrency = 4,
         .figures = [this] { return figures_; },
         .metrics =
             [this] {
                 return metrics_;
             }},
        Instant{}};
};

TEST_F(WorkerServiceTest, IsReadyWhileItReceives) {
    EXPECT_EQ(get("/livez").status, 200);
    EXPECT_EQ(get("/readyz").body, "ok\n");
    figures_.receiving = false;
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "the provider does not answer\n");
    EXPECT_EQ(get("/livez").status, 200) << "starting it again would not help";
}

TEST_F(WorkerServiceTest, IsNotReadyOnceOutcomesAreNotStored) {
    figures_.failing = "outcomes of queue mail have not been stored for 3s";
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/readyz").body, "ok, outcomes of queue mail have not been stored for 3s\n");
    EXPECT_THAT(get("/health").body, HasSubstr(R"("status":"degraded")"));
    EXPECT_THAT(get("/metrics").body, HasSubstr("tranter_worker_up 1\n"));

    figures_.storing = false;

    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "outcomes of queue mail have not been stored for 3s\n");
    EXPECT_THAT(get("/metrics").body, HasSubstr("tranter_worker_up 0\n"));
    EXPECT_EQ(get("/livez").status, 200) << "starting it again would not help";
}

TEST_F(WorkerServiceTest, SaysWhichQueueDoesNotExist) {
    figures_.receiving = false;
    figures_.missing_queues = {"there is no queue ordrs (did you mean orders?)"};

    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "there is no queue ordrs (did you mean orders?)\n");
    EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(WorkerServiceTest, IsNotAliveWhenItIsStuck) {
    figures_.stuck = true;
    EXPECT_EQ(get("/livez").status, 503);
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_THAT(get("/health").body, HasSubstr(R"("status":"fail")"));
}

TEST_F(WorkerServiceTest, IsNotReadyOnceItDrains) {
    service_.set_draining();
    EXPECT_EQ(get("/readyz").body, "draining\n");
    EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(WorkerServiceTest, CountsAttemptsAndSlots) {
    figures_.counts.completed = 7;
    const std::string metrics = get("/metrics").body;
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_attempts_total{outcome=\"completed\"} 7\n"));
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_slots{state=\"busy\"} 1\n"));
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_slots{state=\"idle\"} 3\n"));
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_saturation_ratio 0.25\n"));
    EXPECT_THAT(get("/health").body, HasSubstr(R"("running":1,"waiting":2,"concurrency":4)"));
}

TEST_F(WorkerServiceTest, ShowsEachCheckWithLatencyAndTheLastError) {
    figures_.receiving = false;
    figures_.latency = Milliseconds(3);
    figures_.last_error = "connection refused";
    figures_.last_error_at = TimePoint(std::chrono::seconds(1'700'000'000));

    EXPECT_EQ(
        get("/readyz?verbose").body,
        "[+]working ok\n[+]fetch_loop ok\n"
        "[-]store fail: the provider does not answer, 3 ms, last error at 2023-11-14T22:13:20Z: "
        "connection refused\n"
        "the provider does not answer\n"
    );
    EXPECT_THAT(
        get("/health").body,
        HasSubstr(R"({"name":"store","status":"fail","reason":"the provider does not answer",)"
                  R"("latency_ms":3,"last_error":"connection refused",)"
                  R"("last_error_at":"2023-11-14T22:13:20Z"})")
    );
}

TEST_F(WorkerServiceTest, LeavesOutAnExcludedCheck) {
    figures_.receiving = false;

    EXPECT_EQ(get("/readyz?exclude=fetch_loop").status, 503);
    EXPECT_EQ(get("/readyz?exclude=store").body, "ok\n");
    EXPECT_THAT(get("/readyz?verbose&exclude=store").body, HasSubstr("[ ]store excluded\n"));
}

TEST_F(WorkerServiceTest, IsNeverKeptByACache) {
    for (const char* path : {"/livez", "/readyz", "/startupz", "/health", "/metrics", "/"}) {
        EXPECT_THAT(get(path).headers, HasSubstr("Cache-Control: no-store\r\n")) << path;
    }
}

TEST_F(WorkerServiceTest, ShowsHowLongItHasBeenStopping) {
    constexpr std::string_view name = "tranter_worker_shutdown_duration_seconds";
    EXPECT_THAT(get("/metrics").body, HasSubstr(std::string(name) + " 0\n"));
    service_.set_draining();
    EXPECT_THAT(get("/metrics").body, Not(HasSubstr(std::string(name) + " 0\n")));
    EXPECT_THAT(get("/metrics").body, HasSubstr("tranter_worker_up 0\n"));
}

TEST_F(WorkerServiceTest, ShowsJobsByQueueAndType) {
    JobTypeMetrics& job = metrics_.jobs.emplace_back();
    job.queue = "mail";
    job.type = "welcome";
    job.running = 2;
    job.completed = 5;
    job.failed[static_cast<std::size_t>(FailureReason::timeout)] = 3;
    job.queue_latency.counts.front() = 4;
    job.queue_latency.counts.back() = 1;
    job.queue_latency.sum = 4000.5;
    metrics_.lease_extensions = 9;

    const std::string metrics = get("/metrics").body;

    for (const char* line : {
             "tranter_jobs_completed_total{queue=\"mail\",job_type=\"welcome\"} 5\n",
             "tranter_jobs_failed_total{queue=\"mail\",job_type=\"welcome\",reason=\"timeout\"} "
             "3\n",
             "tranter_jobs_failed_total{queue=\"mail\",job_type=\"welcome\",reason=\"crash\"} 0\n",
             "tranter_jobs_running{queue=\"mail\",job_type=\"welcome\"} 2\n",
             "# TYPE tranter_job_queue_latency_seconds histogram\n",
             "_bucket{queue=\"mail\",job_type=\"welcome\",le=\"0.005\"} 4\n",
             "_bucket{queue=\"mail\",job_type=\"welcome\",le=\"3600\"} 4\n",
             "_bucket{queue=\"mail\",job_type=\"welcome\",le=\"+Inf\"} 5\n",
             "tranter_job_queue_latency_seconds_sum{queue=\"mail\",job_type=\"welcome\"} 4000.5\n",
             "tranter_job_queue_latency_seconds_count{queue=\"mail\",job_type=\"welcome\"} 5\n",
             "tranter_job_lease_extensions_total 9\n",
             "tranter_worker_poll_duration_seconds_bucket{le=\"+Inf\"} 0\n",
             "tranter_worker_poll_duration_seconds_sum 0\n",
         }) {
        EXPECT_THAT(metrics, HasSubstr(line));
    }
}

TEST_F(WorkerServiceTest, ShowsConnectionsOfAProviderThatCountsThem) {
    EXPECT_THAT(get("/metrics").body, Not(HasSubstr("tranter_store_")));
    metrics_.connections = ConnectionMetrics{
        .most = 8,
        .open = 5,
        .busy = 2,
        .waits = 3,
        .made = 7,
        .failed = 4,
        .errors = {{"lost", 2}, {"full", 0}},
        .listening = std::nullopt};

    const std::string quiet = get("/metrics").body;
    metrics_.connections->listening = {.hears = true, .made = 1, .failed = 6};
    const std::string metrics = get("/metrics").body;

    EXPECT_THAT(quiet, Not(HasSubstr("tranter_store_listens")));
    for (const char* line : {
             "tranter_store_connections{store=\"jobs\",state=\"busy\"} 2\n",
             "tranter_store_connections{store=\"jobs\",state=\"idle\"} 3\n",
             "tranter_store_connections_max{store=\"jobs\"} 8\n",
             "tranter_store_connection_waits_total{store=\"jobs\"} 3\n",
             "tranter_store_connects_total{store=\"jobs\",use=\"calls\",result=\"made\"} 7\n",
             "{store=\"jobs\",use=\"calls\",result=\"failed\"} 4\n",
             "{store=\"jobs\",use=\"listening\",result=\"made\"} 1\n",
             "{store=\"jobs\",use=\"listening\",result=\"failed\"} 6\n",
             "tranter_store_errors_total{store=\"jobs\",kind=\"lost\"} 2\n",
             "tranter_store_errors_total{store=\"jobs\",kind=\"full\"} 0\n",
             "tranter_store_listens{store=\"jobs\"} 1\n",
             "tranter_store_pooled{store=\"jobs\"} 0\n",
         }) {
        EXPECT_THAT(metrics, HasSubstr(line));
    }
}

TEST_F(WorkerServiceTest, RefusesWhatItDoesNotServe) {
    EXPECT_EQ(get("/nothing").status, 404);
    EXPECT_EQ(get("/livez", "POST").status, 405);
}

}  // namespace
}  // namespace tranter::admin
