#include "admin/scheduler_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace tranter::admin {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class SchedulerServiceTest : public testing::Test {
  public:
    ~SchedulerServiceTest() override = default;

  protected:
    http::Response get(std::string_view target) { return service_.answer(request(target)); }
    http::Response get_from(const SchedulerService& service, std::string_view target) {
        return service.answer(request(target));
    }
    SchedulerServiceOptions options() {
        return {
            .version = "1",
            .scheduler = "s",
            .metrics = [this] { return metrics_; },
            .health =
                [this] {
                    return health_;
                }};
    }

    SchedulerMetrics metrics_{};
    SchedulerHealth health_{.store = "sqlite", .runs = true};
    SchedulerService service_{options(), Instant{}};

  private:
    static http::Request request(std::string_view target) {
        const std::size_t mark = std::min(target.find('?'), target.size());
        const std::string_view query = target.substr(std::min(mark + 1, target.size()));
        return {.method = "GET", .target = target, .path = target.substr(0, mark), .query = query};
    }
};

TEST_F(SchedulerServiceTest, IsReadyWhileItsStoreAnswers) {
    EXPECT_EQ(get("/livez").status, 200);
    EXPECT_EQ(get("/readyz").body, "ok\n");
    health_.store_answers = false;
    health_.store_latency = 3ms;
    health_.last_error = "connection refused";
    health_.last_error_at = TimePoint(std::chrono::seconds(1'700'000'000));

    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(
        get("/readyz?verbose").body,
        "[+]working ok\n[+]loop ok\n"
        "[-]store fail: the store of schedules does not answer, 3 ms, last error at "
        "2023-11-14T22:13:20Z: connection refused\n"
        "[+]lateness ok\n"
        "the store of schedules does not answer\n"
    );
    EXPECT_EQ(get("/livez").status, 200) << "starting it again would not help";
}

TEST_F(SchedulerServiceTest, IsNotAliveWhenItIsStuck) {
    health_.stuck = true;
    EXPECT_EQ(get("/livez").status, 503);
    EXPECT_EQ(get("/readyz").body, "stuck\n");
    EXPECT_THAT(get("/metrics").body, HasSubstr("tranter_scheduler_up 0\n"));
}

TEST_F(SchedulerServiceTest, IsNotReadyBeforeItRunsAndOnceItDrains) {
    health_.runs = false;
    EXPECT_EQ(get("/readyz").body, "does not run\n");
    health_.runs = true;
    service_.set_draining();
    EXPECT_EQ(get("/readyz").body, "draining\n");
    EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(SchedulerServiceTest, NamesTheScheduleThatIsOverdueTheLongest) {
    metrics_.next = {.name = "nightly", .due = TimePoint(1'700'000'000s), .late = 60s};
    EXPECT_EQ(get("/readyz").body, "ok\n") << "the threshold itself is not too late";
    metrics_.next->late = 123'456ms;

    EXPECT_EQ(get("/readyz").status, 200) << "taking it out of service would not help";
    EXPECT_EQ(get("/readyz").body, "ok, nightly is overdue by 123s\n");
    const std::string health = get("/health").body;
    EXPECT_THAT(health, HasSubstr(R"("status":"degraded")"));
    EXPECT_THAT(
        health,
        HasSubstr(R"("next":{"name":"nightly","due":"2023-11-14T22:13:20Z","late_ms":123456})")
    );
    EXPECT_THAT(get("/metrics").body, HasSubstr("tranter_scheduler_overdue_seconds 123.456\n"));
}

TEST_F(SchedulerServiceTest, TheThresholdOfLatenessIsAnOption) {
    metrics_.next = {.name = "nightly", .late = 30s};
    SchedulerServiceOptions strict = options();
    strict.late_after = 10s;
    const SchedulerService service(strict, Instant{});

    EXPECT_EQ(get_from(service, "/readyz").body, "ok, nightly is overdue by 30s\n");
    EXPECT_EQ(get("/readyz").body, "ok\n");
}

TEST_F(SchedulerServiceTest, ShowsSlotsByScheduleAndOutcome) {
    ScheduleMetrics& one = metrics_.schedules.emplace_back();
    one.schedule = "nightly";
    one.enqueued = 5;
    one.missed = 2;
    one.next_due = TimePoint(1'700'000'000s) + 500ms;
    metrics_.lateness.counts[1] = 5;
    metrics_.lateness.sum = 0.04;
    metrics_.enabled = 7;
    metrics_.time_zone_data = "2026a";
    metrics_.leads_schedules = true;
    metrics_.store_errors = 3;

    const std::string metrics = get("/metrics").body;

    for (const char* line : {
             "tranter_schedule_runs_total{schedule=\"nightly\",outcome=\"enqueued\"} 5\n",
             "tranter_schedule_runs_total{schedule=\"nightly\",outcome=\"skipped\"} 0\n",
             "tranter_schedule_runs_total{schedule=\"nightly\",outcome=\"missed\"} 2\n",
             "tranter_schedule_runs_total{schedule=\"nightly\",outcome=\"error\"} 0\n",
             "_next_run_timestamp_seconds{schedule=\"nightly\"} 1700000000.5\n",
             "tranter_schedule_lateness_seconds_bucket{le=\"0.005\"} 0\n",
             "tranter_schedule_lateness_seconds_bucket{le=\"0.01\"} 5\n",
             "tranter_schedule_lateness_seconds_sum 0.04\n",
             "tranter_schedules{state=\"enabled\"} 7\n",
             "tranter_scheduler_tzdata_info{version=\"2026a\"} 1\n",
             "tranter_scheduler_leader{role=\"schedule\"} 1\n",
             "tranter_scheduler_leader{role=\"timers\"} 0\n",
             "tranter_scheduler_overdue_seconds 0\n",
             "tranter_schedule_store_connected 1\n",
             "tranter_schedule_store_errors_total 3\n",
             "tranter_timers_waiting 0\n",
         }) {
        EXPECT_THAT(metrics, HasSubstr(line));
    }
    EXPECT_THAT(get("/health").body, HasSubstr(R"("time_zone_data":"2026a")"));
}

TEST_F(SchedulerServiceTest, ShowsOnlyWhatItIsThereFor) {
    SchedulerServiceOptions of_timers = options();
    of_timers.recurring = false;
    const SchedulerService timers(of_timers, Instant{});
    SchedulerServiceOptions of_schedules = options();
    of_schedules.timers = false;
    const SchedulerService schedules(of_schedules, Instant{});

    EXPECT_THAT(get_from(timers, "/metrics").body, Not(HasSubstr("tranter_schedules")));
    EXPECT_THAT(get_from(timers, "/health").body, HasSubstr(R"("leads":{"timers":false})"));
    EXPECT_THAT(get_from(schedules, "/metrics").body, Not(HasSubstr("tranter_timer")));
    EXPECT_THAT(get_from(schedules, "/health").body, HasSubstr(R"("leads":{"schedule":false})"));
}

}  // namespace
}  // namespace tranter::admin
