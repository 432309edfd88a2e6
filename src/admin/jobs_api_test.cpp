#include "admin/jobs_api.hpp"

#include "admin/test_store.hpp"
#include "http/server.hpp"
#include "http/test_socket.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class JobsApiTest : public testing::Test {
  public:
    ~JobsApiTest() override {
        if (server_) server_->stop(Duration::zero());
    }

    void start(JobsApiOptions options = {}) {
        options.streams.window = std::chrono::milliseconds(1);
        api_ = std::make_unique<JobsApi>(std::move(options), store);
        server_ = std::make_unique<http::Server>(
            http::ServerOptions{},
            [this](const http::Request& request, http::Exchange exchange) {
                api_->handle(request, std::move(exchange));
            }
        );
        server_->start();
    }
    void SetUp() override { start(); }

    static std::string request(
        std::string_view method,
        std::string_view path,
        std::string_view body = {},
        std::string_view headers = {}
    ) {
        return fmt::format(
            "{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}",
            method,
            path,
            headers,
            body.size(),
            body
        );
    }

    http::TestSocket connect() { return http::TestSocket(server_->port()); }
    void end_waits() { api_->end_waits(); }

    std::string ask(
        std::string_view method,
        std::string_view path,
        std::string_view body = {},
        std::string_view headers = {}
    ) {
        auto client = connect();
        client.send(request(method, path, body, headers));
        return client.read_answer();
    }

    static std::string body_of(std::string_view answer) {
        return std::string(answer.substr(answer.find("\r\n\r\n") + 4));
    }

    static ReceivedJob received(std::string receipt) {
        ReceivedJob job;
        job.id = "i";
        job.payload = "1";
        job.receipt = std::move(receipt);
        return job;
    }

    ScriptedStore store;

  private:
    std::unique_ptr<JobsApi> api_;
    std::unique_ptr<http::Server> server_;
};

TEST_F(JobsApiTest, EnqueuesOneAndMany) {
    const std::string one = ask("POST", "/v1/queues/mail/jobs", R"({"type":"t"})");
    const std::string many =
        ask("POST", "/v1/queues/mail/jobs", R"([{"type":"t"},{"type":"u","payload":[1]}])");

    EXPECT_THAT(one, StartsWith("HTTP/1.1 201 Created\r\n"));
    EXPECT_EQ(body_of(one), R"({"id":"made"})");
    EXPECT_EQ(body_of(many), R"([{"id":"made"},{"id":"made"}])");
    ASSERT_THAT(store.jobs_taken, SizeIs(3));
    EXPECT_EQ(store.jobs_taken[2].payload, "[1]");
}

constexpr std::string_view caller_trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view other_trace = "00-11111111111111111111111111111111-2222222222222222-00";

TEST_F(JobsApiTest, JobsBelongToTheTraceOfTheRequest) {
    const std::string headers = fmt::format("Traceparent: {}\r\nTracestate: a=b\r\n", caller_trace);
    const std::string own = fmt::format(R"({{"type":"t","traceparent":"{}"}})", other_trace);

    ask("POST", "/v1/queues/mail/jobs", R"({"type":"t"})", headers);
    ask("POST", "/v1/queues/mail/jobs", own, headers);
    ask("POST", "/v1/queues/mail/jobs", R"({"type":"t"})", "Traceparent: nonsense\r\n");

    ASSERT_THAT(store.jobs_taken, SizeIs(3));
    EXPECT_EQ(store.jobs_taken[0].options.traceparent, caller_trace);
    EXPECT_EQ(store.jobs_taken[0].options.tracestate, "a=b");
    EXPECT_EQ(store.jobs_taken[1].options.traceparent, other_trace);
    EXPECT_EQ(store.jobs_taken[1].options.tracestate, "");
    EXPECT_EQ(store.jobs_taken[2].options.traceparent, "");
}

TEST_F(JobsApiTest, TellsOfAnEnqueueThatNobodyElseTraces) {
    std::vector<std::string> ends;
    start({.on_enqueue = [&ends](std::string_view queue, std::span<NewJob> jobs) -> EnqueueEnd {
        jobs.front().options.traceparent = other_trace;
        return [&ends, name = std::string(queue)](const Result<std::vector<Enqueued>>& answer) {
            ends.push_back(fmt::format("{} {}", name, answer ? answer->front().id : "failed"));
        };
    }});

    ask("POST", "/v1/queues/mail/jobs", R"({"type":"t"})");
    ask("POST",
        "/v1/queues/mail/jobs",
        fmt::format(R"({{"type":"t","traceparent":"{}"}})", caller_trace));

    EXPECT_THAT(ends, ElementsAre("mail made"));
    ASSERT_THAT(store.jobs_taken, SizeIs(2));
    EXPECT_EQ(store.jobs_taken[0].options.traceparent, other_trace);
    EXPECT_EQ(store.jobs_taken[1].options.traceparent, caller_trace);
}

TEST_F(JobsApiTest, SaysWhichJobIsWrongAndTakesNone) {
    const std::string answer =
        ask("POST", "/v1/queues/mail/jobs", R"([{"type":"t"},{"type":"__x"}])");

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_THAT(answer, HasSubstr("$[1]: type is"));
    EXPECT_THAT(store.jobs_taken, IsEmpty());
}

TEST_F(JobsApiTest, TakesSoManyJobsInACall) {
    std::string jobs = "[{\"type\":\"t\"}";
    for (std::size_t i = 1; i < jobs_per_call_max; ++i)
        jobs += ",{\"type\":\"t\"}";

    EXPECT_THAT(ask("POST", "/v1/queues/q/jobs", jobs + "]"), StartsWith("HTTP/1.1 201 "));
    EXPECT_THAT(
        ask("POST", "/v1/queues/q/jobs", jobs + ",{\"type\":\"t\"}]"), StartsWith("HTTP/1.1 400 ")
    );
    EXPECT_THAT(ask("POST", "/v1/queues/q/jobs", "[]"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(JobsApiTest, ErrorsOfTheStoreHaveTheirStatus) {
    store.error = Error(Errc::limit_exceeded, "the group is full");
    const std::string full = ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})");
    store.error = Error(Errc::unavailable, "no space");
    const std::string broken = ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})");

    EXPECT_THAT(full, StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(full, HasSubstr("Retry-After: 1\r\n"));
    EXPECT_THAT(full, HasSubstr(R"("detail":"the group is full","code":"limit_exceeded")"));
    EXPECT_THAT(broken, StartsWith("HTTP/1.1 503 "));
}

TEST_F(JobsApiTest, ARepeatedRequestGetsTheSameAnswerAndDoesNothing) {
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    const auto enqueue = [&](std::string_view body) {
        return ask("POST", "/v1/queues/q/jobs", body, key);
    };

    const std::string first = enqueue(R"({"type":"t"})");
    const std::string second = enqueue(R"({"type":"t"})");
    const std::string other = enqueue(R"({"type":"u"})");

    EXPECT_EQ(body_of(first), body_of(second));
    EXPECT_THAT(other, StartsWith("HTTP/1.1 422 "));
    EXPECT_THAT(store.jobs_taken, SizeIs(1));
    EXPECT_THAT(
        ask("POST", "/v1/queues/another/jobs", R"({"type":"u"})", key), StartsWith("HTTP/1.1 201 ")
    );
}

TEST_F(JobsApiTest, AKeyOutlivesARestart) {
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    const std::string first = ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})", key);
    store.known_ids = {store.jobs_taken.at(0).id};

    start();
    const std::string second = ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})", key);

    EXPECT_EQ(body_of(first), body_of(second));
}

TEST_F(JobsApiTest, AFailedRequestMayBeRepeated) {
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    store.error = Error(Errc::unavailable, "no space");
    ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})", key);
    store.error.reset();

    EXPECT_THAT(
        ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})", key), StartsWith("HTTP/1.1 201 ")
    );
}

TEST_F(JobsApiTest, HandsOutJobs) {
    store.jobs_to_give = {received("r1")};

    const std::string answer = ask("POST", "/v1/queues/q/receive", "{}");

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer, HasSubstr(R"("receipt":"r1")"));
}

TEST_F(JobsApiTest, AWaitEndsWithAJob) {
    auto client = connect();
    client.send(request("POST", "/v1/queues/q/receive", R"({"wait":"20s"})"));
    store.await_receive();

    store.finish_receive(std::vector{received("r1")});

    EXPECT_THAT(client.read_answer(), HasSubstr(R"("receipt":"r1")"));
}

TEST_F(JobsApiTest, AWaitEndsInTime) {
    const std::string answer = ask("POST", "/v1/queues/q/receive", R"({"wait":"1ms"})");

    EXPECT_EQ(body_of(answer), R"({"jobs":[]})");
}

TEST_F(JobsApiTest, JobsForAClientThatHasLeftAreTakenBack) {
    store.holds_receives = true;
    auto client = connect();
    client.send(request("POST", "/v1/queues/q/receive", R"({"wait":"20s"})"));
    store.await_receive();
    client.reset();

    store.finish_receive(std::vector{received("r1"), received("r2")});

    EXPECT_THAT(store.await_taken_back(), ElementsAre("r1", "r2"));
}

TEST_F(JobsApiTest, WhatDoesNotFitIntoAnAnswerIsTakenBack) {
    ReceivedJob large = received("r1");
    large.payload = '"' + std::string(20U << 20U, 'x') + '"';
    store.jobs_to_give = {large, large};
    store.jobs_to_give[1].receipt = "r2";

    const std::string answer = ask("POST", "/v1/queues/q/receive", R"({"jobs_max":2})");

    EXPECT_THAT(store.await_taken_back(), ElementsAre("r2"));
    EXPECT_NE(answer.find(R"("receipt":"r1")"), std::string::npos);
}

TEST_F(JobsApiTest, RefusesBoundsThatMakeNoSense) {
    for (const char* body :
         {R"({"jobs_max":0})",
          R"({"jobs_max":10001})",
          R"({"lease":"999ms"})",
          R"({"lease":"13h"})",
          R"({"wait":"21m"})",
          R"({"leese":"5s"})",
          "[",
          "null"}) {
        EXPECT_THAT(ask("POST", "/v1/queues/q/receive", body), StartsWith("HTTP/1.1 400 ")) << body;
    }
}

TEST_F(JobsApiTest, SettlesManyAndOne) {
    const std::string many =
        ask("POST",
            "/v1/queues/q/settle",
            R"({"settlements":[{"receipt":"r","outcome":"completed","result":1},)"
            R"({"receipt":"over","outcome":"released"}]})");
    const std::string one = ask("POST", "/v1/queues/q/snooze", R"({"receipt":"r","after":"5s"})");
    const std::string over = ask("POST", "/v1/queues/q/complete", R"({"receipt":"over"})");

    EXPECT_THAT(body_of(many), StartsWith(R"({"results":[{"ok":true},{"error":{)"));
    EXPECT_THAT(many, HasSubstr(R"("code":"conflict")"));
    EXPECT_EQ(body_of(one), R"({"ok":true})");
    EXPECT_THAT(over, StartsWith("HTTP/1.1 409 "));
    ASSERT_THAT(store.settled, SizeIs(4));
    EXPECT_EQ(std::get<Completed>(store.settled[0].outcome).result, "1");
}

TEST_F(JobsApiTest, ARepeatedSettlementIsNoConflict) {
    constexpr std::string_view key = "Idempotency-Key: k1\r\n";
    constexpr std::string_view body = R"({"settlements":[{"receipt":"r","outcome":"completed"}]})";

    const std::string first = ask("POST", "/v1/queues/q/settle", body, key);
    const std::string second = ask("POST", "/v1/queues/q/settle", body, key);

    EXPECT_EQ(body_of(first), body_of(second));
    EXPECT_THAT(store.settled, SizeIs(1));
}

TEST_F(JobsApiTest, WaitsForAJob) {
    auto client = connect();
    client.send(request("GET", "/v1/jobs/known/wait?timeout=20s"));
    store.await_wait();
    JobRecord job;
    job.id = "known";
    job.payload = "1";
    job.state = JobState::completed;

    store.finish_wait(std::optional(job));

    const std::string answer = client.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer, HasSubstr(R"("state":"completed")"));
}

TEST_F(JobsApiTest, AWaitInVainShowsTheJobAsItIs) {
    const std::string answer = ask("GET", "/v1/jobs/known/wait?timeout=1ms");

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 202 "));
    EXPECT_THAT(answer, HasSubstr(R"("state":"pending")"));
    EXPECT_THAT(ask("GET", "/v1/jobs/none/wait?timeout=1ms"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(JobsApiTest, AStoreThatBlocksIsServedToo) {
    store.is_async = false;
    store.jobs_to_give = {received("r1")};
    start();

    EXPECT_THAT(ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})"), StartsWith("HTTP/1.1 201 "));
    EXPECT_THAT(ask("POST", "/v1/queues/q/receive", R"({"wait":"5s"})"), HasSubstr("r1"));
    EXPECT_THAT(
        ask("POST", "/v1/queues/q/complete", R"({"receipt":"r1"})"), StartsWith("HTTP/1.1 200 ")
    );
    EXPECT_THAT(ask("GET", "/v1/jobs/known/wait?timeout=1ms"), StartsWith("HTTP/1.1 202 "));
}

TEST_F(JobsApiTest, WhoLeavesOffWaitingKeepsNoThread) {
    store.is_async = false;
    start({.long_polls_max = 1});
    const auto ask_another = [this] {
        return ask("GET", "/v1/jobs/known/wait?timeout=1ms");
    };
    auto waiting = connect();
    waiting.send(request("GET", "/v1/jobs/known/wait?timeout=60s"));
    store.await_wait_on_a_thread();
    EXPECT_THAT(ask_another(), StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(
        ask("POST", "/v1/queues/q/receive", R"({"wait":"5s"})"), StartsWith("HTTP/1.1 200 ")
    );

    waiting.close();

    std::string answer = ask_another();
    while (answer.starts_with("HTTP/1.1 503 "))
        answer = ask_another();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 202 "));
}

TEST_F(JobsApiTest, WhoWaitsIsAnsweredAtTheEnd) {
    store.is_async = false;
    start();
    auto waiting = connect();
    waiting.send(request("GET", "/v1/jobs/known/wait?timeout=60s"));
    store.await_wait_on_a_thread();

    end_waits();

    EXPECT_THAT(waiting.read_answer(), StartsWith("HTTP/1.1 202 "));
}

TEST_F(JobsApiTest, ALineThatIsFullIsSaidSo) {
    start({.threads = 0, .waiting_max = 0});

    const std::string answer = ask("GET", "/v1/queues/q");

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
}

TEST_F(JobsApiTest, RefusesWhatNoRouteIsFor) {
    EXPECT_THAT(ask("GET", "/v1/nothing"), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(ask("GET", "/v1/queues/q/jobs/x"), StartsWith("HTTP/1.1 404 "));
    const std::string wrong = ask("DELETE", "/v1/jobs");
    EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(wrong, HasSubstr("Allow: GET, HEAD\r\n"));
    EXPECT_THAT(
        ask("POST", "/v1/queues/q", "{}", "X-HTTP-Method-Override: DELETE\r\n"),
        StartsWith("HTTP/1.1 405 ")
    );
    EXPECT_THAT(ask("GET", "/v1/jobs/%FF"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(ask("GET", "/v1/jobs/%zz"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(JobsApiTest, RefusesQueriesAndBodiesThatItDoesNotKnow) {
    for (const char* path :
         {"/v1/jobs?limit=0",
          "/v1/jobs?limit=1001",
          "/v1/jobs?limit=-1",
          "/v1/jobs?limit=1&limit=2",
          "/v1/jobs?limitt=1",
          "/v1/jobs?filter=%FF",
          "/v1/jobs/known/wait?timeout=5",
          "/v1/jobs/known/wait?timeout=2h",
          "/v1/queues?token=secret"}) {
        EXPECT_THAT(ask("GET", path), StartsWith("HTTP/1.1 400 ")) << path;
    }
    EXPECT_THAT(ask("GET", "/v1/jobs?limitt=1"), HasSubstr("did you mean limit?"));
    EXPECT_THAT(
        ask("POST", "/v1/jobs/known/cancel", R"({"force":true})"), StartsWith("HTTP/1.1 400 ")
    );
    EXPECT_THAT(
        ask("POST", "/v1/queues/q/jobs", R"({"type":"t"})", "Idempotency-Key: \xC3\xA9\r\n"),
        StartsWith("HTTP/1.1 400 ")
    );
}

TEST_F(JobsApiTest, WhatTheStoreCannotDoIsNotImplemented) {
    EXPECT_THAT(ask("POST", "/v1/jobs/known/cancel"), StartsWith("HTTP/1.1 501 "));
    store.can.events = false;
    EXPECT_THAT(ask("GET", "/v1/events"), StartsWith("HTTP/1.1 501 "));
}

TEST_F(JobsApiTest, HeadHasNoBody) {
    auto client = connect();
    client.send(request("HEAD", "/v1/queues/q"));

    const std::string answer = client.read_answer(true);

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(body_of(answer), IsEmpty());
}

}  // namespace
}  // namespace tranter::admin
