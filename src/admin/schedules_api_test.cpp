#include "admin/schedules_api.hpp"

#include "admin/jobs_api.hpp"
#include "admin/schedules_checks.hpp"
#include "admin/test_store.hpp"
#include "http/server.hpp"
#include "http/test_socket.hpp"
#include "jobs/strict_json.hpp"
#include "schedule/wire.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::admin {
namespace {

namespace schedule_wire = schedule::wire;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

/// Over a store in memory, as one connection after the other asks.
class SchedulesApiTest : public testing::Test {
  public:
    ~SchedulesApiTest() override { server_->stop(Duration::zero()); }

    void SetUp() override { start(); }

    void start() {
        if (server_) server_->stop(Duration::zero());
        using Opened = Result<std::shared_ptr<schedule::ScheduleStore>>;
        const auto open = [this] {
            ++opened;
            return open_error ? Opened(std::unexpected(*open_error)) : Opened(store);
        };
        schedules_ = std::make_unique<SchedulesApi>(SchedulesApiOptions{
            .open = open, .zone_files = zone_files, .page_bytes = page_bytes});
        api_ = std::make_unique<JobsApi>(JobsApiOptions{.schedules = schedules_.get()}, jobs_);
        server_ = std::make_unique<http::Server>(
            http::ServerOptions{},
            [this](const http::Request& request, http::Exchange exchange) {
                api_->handle(request, std::move(exchange));
            }
        );
        server_->start();
    }

    struct Answer {
        int status = 0;
        std::string body{};
    };
    Answer ask(
        std::string_view method,
        std::string_view path,
        std::string_view body = {},
        std::string_view headers = {}
    ) {
        http::TestSocket client(server_->port());
        client.send(fmt::format(
            "{} /v1{} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}",
            method,
            path,
            headers,
            body.size(),
            body
        ));
        const std::string answer = client.read_answer();
        return {std::stoi(answer.substr(9, 3)), answer.substr(answer.find("\r\n\r\n") + 4)};
    }
    /// The answer, which has to be readable by what the document says of it.
    template <class T>
    T read(const Answer& answer) {
        EXPECT_LT(answer.status, 300) << answer.body;
        auto value = jobs::from_json_strictly<T>(answer.body);
        EXPECT_TRUE(value.has_value()) << value.error().message() << "\n" << answer.body;
        return value.value_or(T{});
    }
    template <class T>
    T get(std::string_view path) {
        return read<T>(ask("GET", path));
    }
    void put(std::string_view name, std::string_view expression = "0 9 * * *") {
        const Answer answer =
            ask("PUT",
                fmt::format("/schedules/{}", name),
                fmt::format(R"({{"expression":"{}","type":"report"}})", expression));
        ASSERT_EQ(answer.status, 201) << answer.body;
    }
    std::string put_job(std::string_view id) {
        const Answer answer =
            ask("POST",
                "/scheduled-jobs",
                fmt::format(R"({{"id":"{}","type":"t","run_at":"2100-01-01T00:00:00Z"}})", id));
        EXPECT_EQ(answer.status, 201) << answer.body;
        return std::string(id);
    }

    std::shared_ptr<schedule::ScheduleStore> store = schedule::open_store("memory:").value();
    std::optional<Error> open_error{};
    int opened = 0;
    std::size_t page_bytes = SchedulesApiOptions().page_bytes;
    std::filesystem::path zone_files = SchedulesApiOptions().zone_files;

  private:
    ScriptedStore jobs_;
    std::unique_ptr<SchedulesApi> schedules_;
    std::unique_ptr<JobsApi> api_;
    std::unique_ptr<http::Server> server_;
};

constexpr std::string_view first_id = "0b0cf1a4-5d35-4e6d-9f0c-0d1c1a3d6d51";
constexpr std::string_view second_id = "0b0cf1a4-5d35-4e6d-9f0c-0d1c1a3d6d52";

TEST_F(SchedulesApiTest, APutMakesAScheduleAndReplacesIt) {
    constexpr std::string_view whole = R"({
        "name": "daily", "expression": "0 9 * * 1-5", "timezone": "America/New_York",
        "queue": "reports", "type": "report:generate", "payload": {"n": 12345678901234567890},
        "group": "acme", "options": {"priority": 1, "tags": ["a"], "retry": {"max_attempts": 3}},
        "rules": {"overlap": "skip", "jitter": "30s",
                  "misfire": {"policy": "run_all", "cap": 7}}})";

    const Answer made = ask("PUT", "/schedules/daily", whole);
    ASSERT_EQ(ask("POST", "/schedules/daily/pause").status, 200);
    const Answer replaced =
        ask("PUT", "/schedules/daily", R"({"expression":"every 1 hour","type":"sync"})");

    EXPECT_EQ(made.status, 201) << made.body;
    const auto first = read<schedule_wire::Schedule>(made);
    EXPECT_EQ(first.words, "every weekday at 09:00, New York time");
    EXPECT_EQ(first.payload.text(), R"({"n":12345678901234567890})");
    EXPECT_EQ(first.options.retry.max_attempts, 3U);
    EXPECT_EQ(first.rules.misfire.cap, 7U);
    EXPECT_EQ(first.next.value_or(std::vector<std::string>()).size(), 5U);
    EXPECT_EQ(replaced.status, 200) << replaced.body;
    const auto second = read<schedule_wire::Schedule>(replaced);
    EXPECT_EQ(second.type, "sync");
    EXPECT_EQ(second.queue, "default");
    EXPECT_EQ(second.rules, ScheduleRules());
    EXPECT_EQ(second.state, schedule_wire::ScheduleState::paused)
        << "a pause is no part of the definition";
}

TEST_F(SchedulesApiTest, APostMakesANewOneOnly) {
    constexpr std::string_view body = R"({"name":"a","expression":"@daily","type":"t"})";

    EXPECT_EQ(ask("POST", "/schedules", body).status, 201);
    EXPECT_EQ(ask("POST", "/schedules", body).status, 409);
    const Answer nameless = ask("POST", "/schedules", R"({"expression":"@daily","type":"t"})");
    EXPECT_EQ(nameless.status, 400);
    EXPECT_THAT(nameless.body, HasSubstr("name is"));
}

TEST_F(SchedulesApiTest, APatchChangesWhatItSaysAndNothingElse) {
    ask("PUT",
        "/schedules/a",
        R"({"expression":"0 9 * * *","type":"t","payload":{"n":1},"options":{"priority":2},
            "rules":{"overlap":"skip","misfire":{"policy":"run_all"}}})");

    const auto changed = read<schedule_wire::Schedule>(
        ask("PATCH", "/schedules/a", R"({"queue":"q","rules":{"misfire":{"cap":3}}})")
    );

    EXPECT_EQ(changed.queue, "q");
    EXPECT_EQ(changed.payload.text(), R"({"n":1})");
    EXPECT_EQ(changed.options.priority, 2);
    EXPECT_EQ(changed.rules.overlap, Overlap::skip);
    EXPECT_EQ(changed.rules.misfire.policy, Misfire::run_all);
    EXPECT_EQ(changed.rules.misfire.cap, 3U);
    EXPECT_EQ(ask("PATCH", "/schedules/a", R"({"name":"b"})").status, 400);
    EXPECT_EQ(ask("PATCH", "/schedules/b", R"({"queue":"q"})").status, 404);
}

TEST_F(SchedulesApiTest, SaysWhatIsWrongWithADefinition) {
    const auto detail = [&](std::string_view body) {
        const Answer answer = ask("PUT", "/schedules/a", body);
        EXPECT_EQ(answer.status, 400) << answer.body;
        EXPECT_LT(answer.body.size(), 2'000U);
        return answer.body;
    };

    EXPECT_THAT(detail(R"({"expression":"61 * * * *","type":"t"})"), HasSubstr("minute"));
    EXPECT_THAT(
        detail(R"({"expression":"* * * * *","timezone":"Europe/Berlni","type":"t"})"),
        HasSubstr("Europe/Berlin")
    );
    EXPECT_THAT(detail(R"({"expression":"* * * * *"})"), HasSubstr("type is"));
    EXPECT_THAT(detail(R"({"type":"t"})"), HasSubstr("expression"));
    EXPECT_THAT(detail(R"({"expression":"* * * * *","type":"t","ruels":{}})"), HasSubstr("rules"));
    EXPECT_THAT(
        detail(R"({"expression":"* * * * *","type":"t","rules":{"overlap":"skp"}})"),
        HasSubstr("$.rules.overlap")
    );
    EXPECT_THAT(
        detail(R"({"expression":"* * * * *","type":"t","queue":"a b"})"), HasSubstr("queue is")
    );
    EXPECT_THAT(
        detail(R"({"expression":"* * * * *","type":"t","name":"b"})"), HasSubstr("name is")
    );
    EXPECT_THAT(
        detail(fmt::format(R"({{"expression":"{}","type":"t"}})", std::string(1U << 20U, '*'))),
        HasSubstr("code\":\"invalid_argument")
    );
    EXPECT_THAT(
        detail(fmt::format(
            R"({{"expression":"* * * * *","type":"t","payload":"{}"}})",
            std::string(payload_bytes_max, 'x')
        )),
        HasSubstr("limit is 1048576")
    );
    EXPECT_EQ(ask("PUT", "/schedules/a%20b", R"({"expression":"@daily","type":"t"})").status, 400);
    EXPECT_THAT(get<schedule_wire::SchedulePage>("/schedules").schedules, IsEmpty());
}

TEST_F(SchedulesApiTest, WhatNeverFiresNeedsForce) {
    constexpr std::string_view body = R"({"expression":"0 0 30 2 *","type":"t"})";

    EXPECT_EQ(ask("PUT", "/schedules/a", body).status, 400);
    EXPECT_EQ(ask("PUT", "/schedules/a?force=1", body).status, 400);
    EXPECT_EQ(ask("PUT", "/schedules/a?force=true", body).status, 201);
    EXPECT_EQ(ask("PUT", "/schedules/a?force=true", body).status, 200);
    EXPECT_EQ(
        get<schedule_wire::Schedule>("/schedules/a").state, schedule_wire::ScheduleState::ended
    );
    EXPECT_EQ(ask("POST", "/schedules/a/skip").status, 409);
}

TEST_F(SchedulesApiTest, PagesHaveAllOfThem) {
    for (const char* name : {"a", "b:c", "d/e"})
        put(std::string_view(name) == "d/e" ? "d%2Fe" : name);

    const auto first = get<schedule_wire::SchedulePage>("/schedules?limit=2");
    const auto second =
        get<schedule_wire::SchedulePage>("/schedules?limit=2&cursor=" + first.next.value_or(""));

    ASSERT_THAT(first.schedules, SizeIs(2));
    EXPECT_EQ(first.schedules[1].name, "b:c");
    ASSERT_THAT(second.schedules, SizeIs(1));
    EXPECT_EQ(second.schedules[0].name, "d/e");
    EXPECT_FALSE(second.next.has_value());
    EXPECT_EQ(ask("GET", "/schedules?limit=0").status, 400);
    EXPECT_EQ(ask("GET", "/schedules?limit=1001").status, 400);
    EXPECT_EQ(ask("GET", "/schedules?cursor=%00").status, 400);
}

TEST_F(SchedulesApiTest, APageIsNotLargerThanItsBytes) {
    page_bytes = 20'000;
    start();
    for (int i = 0; i < 12; ++i) {
        const std::string body = fmt::format(
            R"({{"expression":"@daily","type":"t","payload":"{}"}})", std::string(5'000, 'x')
        );
        ASSERT_EQ(ask("PUT", fmt::format("/schedules/s{:02}", i), body).status, 201);
    }

    std::vector<std::size_t> sizes;
    std::string cursor;
    do {
        const auto page =
            get<schedule_wire::SchedulePage>("/schedules?limit=1000&cursor=" + cursor);
        sizes.push_back(page.schedules.size());
        cursor = page.next.value_or("");
    } while (!cursor.empty());

    EXPECT_THAT(sizes, testing::ElementsAre(4, 4, 4));
}

TEST_F(SchedulesApiTest, PausesAndGoesOn) {
    put("a");

    const auto paused =
        read<schedule_wire::Schedule>(ask("POST", "/schedules/a/pause", R"({"reason":"holidays"})")
        );
    const auto resumed = read<schedule_wire::Schedule>(ask("POST", "/schedules/a/resume"));

    EXPECT_EQ(paused.state, schedule_wire::ScheduleState::paused);
    EXPECT_EQ(paused.pause_reason, "holidays");
    EXPECT_EQ(resumed.state, schedule_wire::ScheduleState::active);
    EXPECT_EQ(ask("POST", "/schedules/a/pause", R"({"reason":"a\nb"})").status, 400);
    const std::string endless(2'000, 'x');
    EXPECT_EQ(
        ask("POST", "/schedules/a/pause", fmt::format(R"({{"reason":"{}"}})", endless)).status, 400
    );
    EXPECT_EQ(ask("POST", "/schedules/b/resume").status, 404);
}

TEST_F(SchedulesApiTest, RunsBesideItsSlotsAndSkipsOne) {
    put("a");
    const auto before = get<schedule_wire::Schedule>("/schedules/a");

    const auto run = read<schedule_wire::RunAnswer>(ask("POST", "/schedules/a/run"));
    const auto skipped = read<schedule_wire::SkipAnswer>(ask("POST", "/schedules/a/skip"));

    EXPECT_EQ(run.schedule, "a");
    EXPECT_EQ(skipped.skipped, before.next_run_at);
    const auto runs = get<schedule_wire::ScheduleRuns>("/schedules/a/runs").runs;
    ASSERT_THAT(runs, SizeIs(2));
    EXPECT_EQ(runs[0].state, schedule::RunState::skipped);
    EXPECT_EQ(runs[1].job, run.job);
    EXPECT_TRUE(runs[1].manual);
    EXPECT_THAT(get<schedule_wire::ScheduleRuns>("/schedules/a/runs?open=true").runs, SizeIs(1));
    EXPECT_EQ(ask("DELETE", "/schedules/a").body, R"({"ok":true})");
    EXPECT_EQ(ask("GET", "/schedules/a").status, 404);
    EXPECT_THAT(get<schedule_wire::ScheduleRuns>("/schedules/a/runs").runs, SizeIs(2));
    EXPECT_EQ(ask("GET", "/schedules/b/runs").status, 404);
}

TEST_F(SchedulesApiTest, ARepeatedRequestToRunRunsOnce) {
    put("a");
    put("b");
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";

    const Answer first = ask("POST", "/schedules/a/run", "", key);
    const Answer second = ask("POST", "/schedules/a/run", "", key);
    const Answer other = ask("POST", "/schedules/b/run", "", key);

    EXPECT_EQ(first.body, second.body);
    EXPECT_NE(first.body, other.body);
    EXPECT_THAT(get<schedule_wire::ScheduleRuns>("/schedules/a/runs").runs, SizeIs(1));
}

TEST_F(SchedulesApiTest, ARepeatedRequestToRunOrSkipIsKnownOverARestart) {
    put("a");
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    const Answer run = ask("POST", "/schedules/a/run", "", key);
    const Answer skipped = ask("POST", "/schedules/a/skip", "", key);
    ASSERT_EQ(skipped.status, 200) << skipped.body;

    start();

    EXPECT_EQ(ask("POST", "/schedules/a/run", "", key).body, run.body);
    EXPECT_EQ(ask("POST", "/schedules/a/skip", "", key).body, skipped.body);
    EXPECT_THAT(get<schedule_wire::ScheduleRuns>("/schedules/a/runs").runs, SizeIs(2));
    const Answer other = ask("POST", "/schedules/a/skip", "", "Idempotency-Key: k2\r\n");
    EXPECT_NE(other.body, skipped.body);
}

TEST_F(SchedulesApiTest, ABackfillShowsAndThenClaims) {
    put("hourly", "0 * * * *");
    constexpr std::string_view dry =
        R"({"from":"2026-03-01T00:00:00Z","to":"2026-03-01T05:00:00Z","dry_run":true})";
    constexpr std::string_view real =
        R"({"from":"2026-03-01T00:00:00Z","to":"2026-03-01T05:00:00Z"})";

    const auto shown_only =
        read<schedule_wire::BackfillAnswer>(ask("POST", "/schedules/hourly/backfill", dry));
    EXPECT_THAT(get<schedule_wire::ScheduleRuns>("/schedules/hourly/runs").runs, IsEmpty());
    const auto claimed =
        read<schedule_wire::BackfillAnswer>(ask("POST", "/schedules/hourly/backfill", real));
    const auto again =
        read<schedule_wire::BackfillAnswer>(ask("POST", "/schedules/hourly/backfill", real));

    EXPECT_THAT(shown_only.slots, SizeIs(6));
    EXPECT_TRUE(shown_only.dry_run);
    EXPECT_EQ(claimed.claimed, 6U);
    EXPECT_THAT(again.slots, SizeIs(6));
    EXPECT_EQ(again.claimed, 0U);
    const Answer endless =
        ask("POST", "/schedules/hourly/backfill", R"({"from":"2000-01-01T00:00:00Z"})");
    EXPECT_EQ(endless.status, 429);
    EXPECT_THAT(endless.body, HasSubstr("10000 slots"));
    EXPECT_EQ(ask("POST", "/schedules/hourly/backfill").status, 400);
    EXPECT_EQ(
        ask("POST", "/schedules/hourly/backfill", R"({"from":"2999-01-01T00:00:00Z"})").status, 400
    );
}

TEST_F(SchedulesApiTest, SaysWhenAnExpressionFiresWithoutAStore) {
    open_error = Error(Errc::unsupported, "there is none");

    const auto preview = read<schedule_wire::Preview>(
        ask("POST",
            "/schedules/preview",
            R"({"expression":"30 2 * * *","timezone":"America/New_York",
                "from":"2026-03-07T12:00:00Z","count":2})")
    );
    const auto told = read<schedule_wire::Explanation>(
        ask("POST", "/schedules/explain", R"({"expression":"*/90 * * * *"})")
    );

    ASSERT_THAT(preview.firings, SizeIs(2));
    EXPECT_EQ(preview.firings[0].local, "2026-03-08T03:00:00-04:00");
    EXPECT_EQ(preview.firings[1].local, "2026-03-09T02:30:00-04:00");
    EXPECT_THAT(told.warnings, Not(IsEmpty()));
    EXPECT_THAT(told.next, SizeIs(5));
    EXPECT_EQ(opened, 0);
    for (const char* body :
         {R"({"expression":""})",
          "{}",
          "",
          R"({"expression":"0 0 * *"})",
          R"({"expression":"@daily","count":10001})",
          R"({"expression":"@daily","cuont":1})"}) {
        EXPECT_EQ(ask("POST", "/schedules/preview", body).status, 400) << body;
    }
    const auto never = read<schedule_wire::Preview>(
        ask("POST", "/schedules/preview", R"({"expression":"0 0 30 2 *"})")
    );
    EXPECT_THAT(never.firings, IsEmpty());
}

TEST_F(SchedulesApiTest, NewDataAboutTimeZonesCountAtOnce) {
    std::string path = (std::filesystem::temp_directory_path() / "zones-XXXXXX").string();
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    zone_files = path;
    const auto move_city_to = [&](const std::string& clocks, const std::string& version) {
        std::filesystem::create_directories(zone_files / "Test");
        std::filesystem::copy_file("/usr/share/zoneinfo/" + clocks, zone_files / "new");
        std::filesystem::rename(zone_files / "new", zone_files / "Test/City");
        std::ofstream(zone_files / "new") << "# version " << version << "\n";
        std::filesystem::rename(zone_files / "new", zone_files / "tzdata.zi");
    };
    move_city_to("Europe/Berlin", "2026a");
    start();
    constexpr std::string_view body =
        R"({"expression":"0 9 * * *","timezone":"Test/City","from":"2026-06-01T12:00:00Z"})";
    const auto first_of_expression = [&] {
        return read<schedule_wire::Preview>(ask("POST", "/schedules/preview", body))
            .firings.at(0)
            .local;
    };
    const auto first_of_schedule = [&](const std::string& name) {
        ask("PUT",
            "/schedules/" + name,
            R"({"expression":"0 9 * * *","timezone":"Test/City","type":"t"})");
        return get<schedule_wire::Preview>(
                   "/schedules/" + name + "/preview?from=2026-06-01T12:00:00Z"
        )
            .firings.at(0)
            .local;
    };
    EXPECT_THAT(first_of_expression(), HasSubstr("+02:00"));

    move_city_to("Asia/Tokyo", "2026b");

    EXPECT_THAT(first_of_expression(), HasSubstr("+09:00"));
    move_city_to("Asia/Kathmandu", "2026c");
    EXPECT_THAT(first_of_schedule("a"), HasSubstr("+05:45"));
    std::filesystem::remove_all(zone_files);
}

TEST_F(SchedulesApiTest, SaysWhenAScheduleFiresAndWhatIsInItsWay) {
    put("a", "0 12 1 1 *");
    ask("PATCH", "/schedules/a", R"({"rules":{"jitter":"10m"}})");
    ask("POST", "/schedules/a/pause", R"({"reason":"holidays"})");

    const auto preview = get<schedule_wire::Preview>("/schedules/a/preview?count=3");
    const auto told = get<schedule_wire::Schedule>("/schedules/a/explain");

    ASSERT_THAT(preview.firings, SizeIs(3));
    EXPECT_THAT(preview.firings[0].local, HasSubstr("-01-01T12:00:00+00:00"));
    EXPECT_GE(preview.firings[0].due, preview.firings[0].at);
    const auto later =
        get<schedule_wire::Preview>("/schedules/a/preview?from=2090-06-01T00:00:00Z");
    ASSERT_THAT(later.firings, SizeIs(20));
    EXPECT_THAT(later.firings[0].local, StartsWith("2091-01-01T12:00:00"));
    EXPECT_EQ(ask("GET", "/schedules/a/preview?from=tomorrow").status, 400);
    EXPECT_THAT(
        told.obstacles.value_or(std::vector<std::string>()),
        testing::Contains(HasSubstr("holidays"))
    );
    EXPECT_EQ(ask("GET", "/schedules/a/preview?count=0").status, 400);
    EXPECT_EQ(ask("GET", "/schedules/b/explain").status, 404);
    EXPECT_EQ(ask("GET", "/schedules/%ff/explain").status, 400);
    EXPECT_EQ(ask("GET", "/schedules/%00/explain").status, 404);
}

TEST_F(SchedulesApiTest, KeepsJobsUntilTheirTime) {
    const Answer one =
        ask("POST",
            "/scheduled-jobs",
            R"({"queue":"mail","type":"t","payload":[1.50],"run_at":"2100-01-01T00:00:00Z",
                "priority":1,"tags":["a"]})");
    const Answer many =
        ask("POST", "/scheduled-jobs", R"([{"type":"t","delay":"1h"},{"type":"u","delay":"2h"}])");

    EXPECT_EQ(one.status, 201) << one.body;
    const auto id = read<schedule_wire::ScheduledJobId>(one).id;
    EXPECT_THAT(read<std::vector<schedule_wire::ScheduledJobId>>(many), SizeIs(2));
    const auto job = get<schedule_wire::ScheduledJob>("/scheduled-jobs/" + id);
    EXPECT_EQ(job.queue, "mail");
    EXPECT_EQ(job.payload.text(), "[1.50]");
    EXPECT_EQ(job.state, ScheduledState::waiting);
    EXPECT_EQ(job.priority, 1);
    const auto first = get<schedule_wire::ScheduledJobPage>("/scheduled-jobs?limit=2");
    const auto second = get<schedule_wire::ScheduledJobPage>(
        "/scheduled-jobs?limit=2&cursor=" + first.next.value_or("")
    );
    EXPECT_THAT(first.jobs, SizeIs(2));
    ASSERT_THAT(second.jobs, SizeIs(1));
    EXPECT_EQ(second.jobs[0].id, id);
}

TEST_F(SchedulesApiTest, TakesAllJobsOrNoneAndSaysWhichIsWrong) {
    const auto detail = [&](std::string_view body, int status = 400) {
        const Answer answer = ask("POST", "/scheduled-jobs", body);
        EXPECT_EQ(answer.status, status) << answer.body;
        return answer.body;
    };

    EXPECT_THAT(
        detail(R"([{"type":"t","delay":"1h"},{"type":"t","delay":"1h","priority":10}])"),
        HasSubstr("$[1]: priority is 10")
    );
    EXPECT_THAT(detail(R"({"type":"t"})"), HasSubstr("run_at and delay are missing"));
    EXPECT_THAT(
        detail(R"({"type":"t","delay":"1h","run_at":"2100-01-01T00:00:00Z"})"),
        HasSubstr("exclude each other")
    );
    EXPECT_THAT(detail(R"({"type":"t","delay":"99999999d"})"), HasSubstr("limit is 3650d"));
    EXPECT_THAT(detail(R"({"type":"t","delay":"1h","queue":"../x"})"), HasSubstr("queue is"));
    EXPECT_THAT(
        detail(R"({"type":"t","run_at":"2100-01-01T00:00:00Z","deadline":"2099-01-01T00:00:00Z"})"),
        HasSubstr("deadline")
    );
    EXPECT_THAT(detail("[]"), HasSubstr("jobs are 0"));
    put_job(first_id);
    detail(
        fmt::format(
            R"([{{"type":"t","delay":"1h"}},{{"id":"{}","type":"t","delay":"1h"}}])", first_id
        ),
        409
    );
    EXPECT_THAT(get<schedule_wire::ScheduledJobPage>("/scheduled-jobs").jobs, SizeIs(1));
}

TEST_F(SchedulesApiTest, JobsForLaterAreCancelledMovedAndRunNow) {
    const std::string one = "/scheduled-jobs/" + put_job(first_id);
    const std::string other = "/scheduled-jobs/" + put_job(second_id);

    const auto moved = read<schedule_wire::ScheduledJob>(
        ask("POST", one + "/reschedule", R"({"run_at":"2101-01-01T00:00:00Z"})")
    );
    const auto sooner =
        read<schedule_wire::ScheduledJob>(ask("POST", one + "/reschedule", R"({"delay":"1h"})"));
    const auto due = read<schedule_wire::ScheduledJob>(ask("POST", one + "/run"));
    const auto cancelled = read<schedule_wire::ScheduledJob>(ask("POST", other + "/cancel"));

    EXPECT_GT(moved.run_at, sooner.run_at);
    EXPECT_LE(due.run_at, current_time());
    EXPECT_EQ(cancelled.state, ScheduledState::cancelled);
    EXPECT_EQ(ask("POST", other + "/cancel").status, 409);
    EXPECT_EQ(ask("POST", other + "/run").status, 409);
    EXPECT_EQ(ask("POST", one + "/reschedule", "{}").status, 400);
    EXPECT_EQ(ask("POST", one + "/reschedule", R"({"delay":"5000d"})").status, 400);
    EXPECT_EQ(ask("GET", "/scheduled-jobs/nothing").status, 404);
    EXPECT_EQ(ask("POST", "/scheduled-jobs/%00/cancel").status, 404);
}

TEST_F(SchedulesApiTest, ARepeatedRequestKeepsAJobOnceEvenOverARestart) {
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    constexpr std::string_view body = R"([{"type":"t","delay":"1h"},{"type":"u","delay":"1h"}])";
    const Answer first = ask("POST", "/scheduled-jobs", body, key);
    EXPECT_EQ(ask("POST", "/scheduled-jobs", R"({"type":"t","delay":"1h"})", key).status, 422);

    start();
    const Answer second = ask("POST", "/scheduled-jobs", body, key);

    EXPECT_EQ(second.status, 201) << second.body;
    EXPECT_EQ(first.body, second.body);
    EXPECT_THAT(get<schedule_wire::ScheduledJobPage>("/scheduled-jobs").jobs, SizeIs(2));
}

TEST_F(SchedulesApiTest, ARepeatedRequestFindsThousandsOfItsJobs) {
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    std::string body;
    for (int i = 0; i < 1'200; ++i)
        body += R"(,{"type":"t","delay":"1h"})";
    body.front() = '[';
    body += "]";
    const Answer first = ask("POST", "/scheduled-jobs", body, key);
    ASSERT_EQ(first.status, 201) << first.body;

    start();
    const auto calls = [&] {
        const auto counts = store->meter().state().calls.counts;
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    };
    const std::uint64_t before = calls();
    const Answer second = ask("POST", "/scheduled-jobs", body, key);

    EXPECT_EQ(second.body, first.body);
    EXPECT_LE(calls() - before, 4U);
}

TEST_F(SchedulesApiTest, AStoreThatCannotBeOpenedIsTriedAgainByTheNextCall) {
    open_error = Error(Errc::unavailable, "the database does not answer");
    EXPECT_EQ(ask("GET", "/schedules").status, 503);

    open_error.reset();

    EXPECT_EQ(ask("GET", "/schedules").status, 200);
    EXPECT_EQ(ask("GET", "/schedules").status, 200);
    EXPECT_EQ(opened, 2);
}

TEST_F(SchedulesApiTest, AStoreThatDoesNotLetTheServerInHasNothingAgainstWhoAsks) {
    open_error = Error(Errc::unauthenticated, "the database wants another password");

    const Answer answer = ask("GET", "/schedules");

    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"unavailable")"));
    EXPECT_THAT(answer.body, HasSubstr("another password"));
}

TEST_F(SchedulesApiTest, NothingIsOpenedBeforeItIsNeeded) {
    EXPECT_EQ(ask("GET", "/openapi.json").status, 200);
    EXPECT_EQ(opened, 0);

    open_error = Error(Errc::unsupported, "start it with --data DIR");
    const Answer answer = ask("PUT", "/schedules/a", R"({"expression":"@daily","type":"t"})");

    EXPECT_EQ(answer.status, 501);
    EXPECT_THAT(answer.body, HasSubstr("--data DIR"));
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"unsupported")"));
}

}  // namespace
}  // namespace tranter::admin
