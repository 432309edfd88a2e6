#include "jobs/wire_json.hpp"

#include "jobs/problem.hpp"
#include "jobs/strict_json.hpp"
#include "jobs/wire.hpp"

#include <gtest/gtest.h>

namespace tranter::jobs {
namespace {

using namespace std::chrono_literals;

JobOptions wire_options() {
    return {
        .priority = 1,
        .group = "acme",
        .retry = {.max_attempts = 3, .base = 500ms, .factor = 1.5, .max = 2h, .jitter = 0},
        .timeout = 90s,
        .ttl = 1h,
        .deadline = TimePoint(1'767'225'600s),
        .tags = {"a", "tenant=x"},
        .dedup = Dedup{.key = "k\n", .mode = DedupMode::throttle, .ttl = 5s},
        .runs = 10,
        .max_parallel_runs = 4,
        .success = SuccessPolicy::any()};
}

NewJob every_member() {
    NewJob job;
    job.id = "0b0cf1a4-5d35-4e6d-9f0c-0d1c1a3d6d55";
    job.type = "mail.send";
    job.payload = R"({"to":"a@b","n":12345678901234567890})";
    job.run_at = TimePoint(1'767'225'600s);
    job.options = wire_options();
    return job;
}

JobRecord every_field() {
    JobRecord job;
    job.id = "0b0cf1a4-5d35-4e6d-9f0c-0d1c1a3d6d55";
    job.queue = "mail";
    job.type = "mail.send";
    job.payload = R"(["x"])";
    job.state = JobState::failed;
    job.attempt = 2;
    job.options = wire_options();
    job.created_at = TimePoint(1'767'225'600s);
    job.run_at = TimePoint(1'767'225'601s);
    job.started_at = TimePoint(1'767'225'602s);
    job.lease_until = TimePoint(1'767'225'603s);
    job.finished_at = TimePoint(1'767'225'604s + 5us);
    job.cancel_requested = true;
    job.result = "1.50";
    job.failures = {{.attempt = 1, .at = TimePoint(1s), .type = "T", .text = "\"no\""}};
    job.progress = R"({"done":3})";
    job.worker = "w1";
    job.reason = "because";
    return job;
}

template <class T>
void expect_strictly(std::string_view text) {
    const auto read = from_json_strictly<T>(text);
    EXPECT_TRUE(read) << text << ": " << read.error().message();
}

template <class T>
std::string problem_in(const Result<T>& result) {
    return result ? "" : result.error().message();
}

void expect_same(const NewJob& got, const NewJob& wanted) {
    EXPECT_EQ(got.id, wanted.id);
    EXPECT_EQ(got.type, wanted.type);
    EXPECT_EQ(got.payload, wanted.payload);
    EXPECT_EQ(got.delay, wanted.delay);
    EXPECT_EQ(got.run_at, wanted.run_at);
    EXPECT_EQ(got.options, wanted.options);
}

void expect_same(const JobRecord& got, const JobRecord& wanted) {
    EXPECT_EQ(got.id, wanted.id);
    EXPECT_EQ(got.queue, wanted.queue);
    EXPECT_EQ(got.type, wanted.type);
    EXPECT_EQ(got.payload, wanted.payload);
    EXPECT_EQ(got.state, wanted.state);
    EXPECT_EQ(got.attempt, wanted.attempt);
    EXPECT_EQ(got.options, wanted.options);
    EXPECT_EQ(got.created_at, wanted.created_at);
    EXPECT_EQ(got.run_at, wanted.run_at);
    EXPECT_EQ(got.started_at, wanted.started_at);
    EXPECT_EQ(got.lease_until, wanted.lease_until);
    EXPECT_EQ(got.finished_at, wanted.finished_at);
    EXPECT_EQ(got.cancel_requested, wanted.cancel_requested);
    EXPECT_EQ(got.result, wanted.result);
    EXPECT_EQ(got.failures, wanted.failures);
    EXPECT_EQ(got.progress, wanted.progress);
    EXPECT_EQ(got.worker, wanted.worker);
    EXPECT_EQ(got.reason, wanted.reason);
}

TEST(WireJsonTest, NewJobsComeBack) {
    NewJob plain;
    plain.type = "t";
    plain.delay = 5min;
    const std::vector<NewJob> jobs{every_member(), plain};

    const auto read = read_new_jobs(write_new_jobs(jobs));

    ASSERT_TRUE(read) << read.error().message();
    EXPECT_TRUE(read->array);
    ASSERT_EQ(read->jobs.size(), 2U);
    expect_same(read->jobs[0], jobs[0]);
    expect_same(read->jobs[1], jobs[1]);
}

TEST(WireJsonTest, ASingleNewJobIsNoArray) {
    const auto read = read_new_jobs(" {\"type\":\"t\"}");

    ASSERT_TRUE(read) << read.error().message();
    EXPECT_FALSE(read->array);
    ASSERT_EQ(read->jobs.size(), 1U);
    EXPECT_EQ(read->jobs[0].payload, "null");
}

TEST(WireJsonTest, SaysWhatIsWrongWithANewJob) {
    EXPECT_EQ(
        problem_in(read_new_jobs(R"([{"type":"t"},{"type":"t","dealy":"5m"}])")),
        "$[1].dealy: unknown member (did you mean delay?)"
    );
    EXPECT_EQ(
        problem_in(read_new_jobs(R"({"type":"t","delay":5})")),
        "$.delay: expected a duration like \"30s\", got 5"
    );
    EXPECT_EQ(
        problem_in(read_new_jobs(R"([{"type":"t","delay":"5s","run_at":"2030-01-01T00:00:00Z"}])")),
        "$[0]: delay and run_at exclude each other"
    );
    EXPECT_EQ(
        problem_in(read_new_jobs(R"({"type":"t","timeout":"0s"})")),
        "$.timeout: \"0s\" is no time to work; leave it out for none"
    );
    EXPECT_NE(problem_in(read_new_jobs("")), "");
    EXPECT_NE(problem_in(read_new_jobs("3")), "");
}

TEST(WireJsonTest, KeepsNoMoreThanACallMayTake) {
    std::string text = "[";
    for (std::size_t i = 0; i <= jobs_per_call_max; ++i)
        text += i == 0 ? "{}" : ",{}";
    EXPECT_EQ(read_new_jobs(text + "]").error().message(), "$: has more than 10000 elements");
    const std::string payload = R"({"type":"t","payload":)" + text + "]}";
    EXPECT_TRUE(read_new_jobs(payload));
}

TEST(WireJsonTest, APayloadMayBeAsDeepAsOneThatStandsAlone) {
    const std::string deepest = std::string(64, '[') + std::string(64, ']');
    const std::string deeper = "[" + deepest + "]";

    EXPECT_EQ(problem_in(read_new_jobs(R"([{"type":"t","payload":)" + deepest + "}]")), "");
    EXPECT_EQ(
        problem_in(read_new_jobs(R"([{"type":"t","payload":)" + deeper + "}]")),
        "$[0].payload: nested deeper than 64 arrays and objects"
    );
    EXPECT_NE(problem_in(read_new_jobs(std::string(1'000'000, '['))), "");
}

TEST(WireJsonTest, EnqueuedComeBack) {
    const std::vector<Enqueued> enqueued{{.id = "a"}, {.id = "b", .duplicate_of = "b"}};

    const std::string text = write_enqueued(enqueued, true);
    const auto read = read_enqueued(text);

    EXPECT_EQ(text, R"([{"id":"a"},{"id":"b","duplicate_of":"b"}])");
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)[1].duplicate_of, "b");
    EXPECT_EQ(write_enqueued(std::span(enqueued).first(1), false), R"({"id":"a"})");
    expect_strictly<std::vector<wire::Enqueued>>(text);
}

TEST(WireJsonTest, ReceivedJobsComeBack) {
    ReceivedJob job;
    job.id = "i";
    job.queue = "q";
    job.type = "t";
    job.payload = "{}";
    job.receipt = "r";
    job.attempt = 3;
    job.created_at = TimePoint(1s);
    job.lease_until = TimePoint(2s);
    job.due_at = TimePoint(1500ms);
    job.options = wire_options();
    job.steps = {{.name = "s", .result = "[1]"}};
    ReceivedJob plain = job;
    plain.options = {};
    plain.steps.clear();

    const std::string text = write_received_jobs(std::vector{job, plain});
    const auto read = read_received_jobs(text);

    ASSERT_TRUE(read) << read.error().message();
    ASSERT_EQ(read->size(), 2U);
    const ReceivedJob& got = (*read)[0];
    EXPECT_EQ(got.id, "i");
    EXPECT_EQ(got.queue, "q");
    EXPECT_EQ(got.type, "t");
    EXPECT_EQ(got.payload, "{}");
    EXPECT_EQ(got.receipt, "r");
    EXPECT_EQ(got.attempt, 3U);
    EXPECT_EQ(got.created_at, job.created_at);
    EXPECT_EQ(got.lease_until, job.lease_until);
    EXPECT_EQ(got.due_at, job.due_at);
    EXPECT_EQ(got.options, job.options);
    ASSERT_EQ(got.steps.size(), 1U);
    EXPECT_EQ(got.steps[0].name, "s");
    EXPECT_EQ(got.steps[0].result, "[1]");
    EXPECT_EQ((*read)[1].options, JobOptions{});
    expect_strictly<wire::ReceivedJobs>(text);
}

TEST(WireJsonTest, RecordsComeBack) {
    JobRecord plain;
    plain.id = "i";
    plain.payload = "null";
    const JobPage page{.jobs = {every_field(), plain}, .next = "cursor"};

    const std::string text = write_job_page(page);
    const auto read = read_job_page(text);

    ASSERT_TRUE(read) << read.error().message();
    ASSERT_EQ(read->jobs.size(), 2U);
    expect_same(read->jobs[0], page.jobs[0]);
    expect_same(read->jobs[1], page.jobs[1]);
    EXPECT_EQ(read->next, "cursor");
    expect_strictly<wire::JobPage>(text);
    expect_same(read_job_record(write_job_record(every_field())).value(), every_field());
}

TEST(WireJsonTest, ReceiveRequestsComeBack) {
    ReceiveRequest request;
    request.jobs_max = 7;
    request.lease = 5s;
    request.wait = 20s;
    request.worker = "w";
    request.worker_concurrency = 8;
    request.worker_version = "1.2";

    const auto read = read_receive_request(write_receive_request(request));

    ASSERT_TRUE(read);
    EXPECT_EQ(read->jobs_max, 7U);
    EXPECT_EQ(read->lease, 5s);
    EXPECT_EQ(read->wait, 20s);
    EXPECT_EQ(read->worker, "w");
    EXPECT_EQ(read->worker_concurrency, 8U);
    EXPECT_EQ(read->worker_version, "1.2");
    EXPECT_EQ(read_receive_request("{}")->lease, 30s);
}

TEST(WireJsonTest, SettlementsComeBack) {
    const std::vector<Settlement> settlements{
        {"1", Completed{.result = "[1]"}},
        {"2", Completed{}},
        {"3", Failed{.type = "T", .text = "x", .retry_after = 5s}},
        {"4", Failed{}},
        {"5", Released{}},
        {"6", Snoozed{.after = 1h}},
        {"7", Dead{.type = "T", .reason = "because"}},
        {"8", Stopped{}},
    };

    const auto read = read_settlements(write_settlements(settlements));

    ASSERT_TRUE(read) << read.error().message();
    ASSERT_EQ(read->size(), settlements.size());
    for (std::size_t i = 0; i < settlements.size(); ++i) {
        EXPECT_EQ((*read)[i].receipt, settlements[i].receipt);
        EXPECT_EQ((*read)[i].outcome.index(), settlements[i].outcome.index());
    }
    EXPECT_EQ(std::get<Completed>((*read)[0].outcome).result, "[1]");
    EXPECT_EQ(std::get<Completed>((*read)[1].outcome).result, "");
    EXPECT_EQ(std::get<Failed>((*read)[2].outcome).type, "T");
    EXPECT_EQ(std::get<Failed>((*read)[2].outcome).text, "x");
    EXPECT_EQ(std::get<Failed>((*read)[2].outcome).retry_after, Milliseconds(5s));
    EXPECT_EQ(std::get<Failed>((*read)[3].outcome).retry_after, std::nullopt);
    EXPECT_EQ(std::get<Snoozed>((*read)[5].outcome).after, 1h);
    EXPECT_EQ(std::get<Dead>((*read)[6].outcome).type, "T");
    EXPECT_EQ(std::get<Dead>((*read)[6].outcome).reason, "because");
}

TEST(WireJsonTest, RefusesWhatDoesNotBelongToAnOutcome) {
    const auto problem = [](std::string_view settlement) {
        return problem_in(read_settlements("{\"settlements\":[" + std::string(settlement) + "]}"));
    };

    EXPECT_EQ(
        problem(R"({"receipt":"r","outcome":"completed","reason":"x"})"),
        "$.settlements[0].reason: no member of the outcome completed"
    );
    EXPECT_EQ(
        problem(R"({"receipt":"r","outcome":"snoozed"})"),
        "$.settlements[0].after: is missing, for how long to snooze"
    );
    EXPECT_EQ(problem(R"({"receipt":"r"})"), "$.settlements[0].outcome: is missing");
    EXPECT_EQ(problem(R"({"outcome":"completed"})"), "$.settlements[0].receipt: is missing");
    EXPECT_EQ(
        problem(R"({"receipt":"r","outcome":"complete"})"),
        "$.settlements[0].outcome: expected one of completed, failed, released, snoozed, dead, "
        "stopped, got \"complete\" (did you mean completed?)"
    );
}

TEST(WireJsonTest, ASingleSettlementHasItsOutcomeInThePath) {
    const auto index = [](std::string_view call, std::string_view text) {
        return read_settlement(call, text).value().outcome.index();
    };

    EXPECT_EQ(index("complete", R"({"receipt":"r","result":1})"), 0U);
    EXPECT_EQ(index("fail", R"({"receipt":"r","error":{"type":"T"},"retry_after":"1s"})"), 1U);
    EXPECT_EQ(index("release", R"({"receipt":"r"})"), 2U);
    EXPECT_EQ(index("snooze", R"({"receipt":"r","after":"1s"})"), 3U);
    EXPECT_EQ(index("dead", R"({"receipt":"r","reason":"x"})"), 4U);
    EXPECT_EQ(index("stop", R"({"receipt":"r"})"), 5U);
    EXPECT_EQ(
        problem_in(read_settlement("release", R"({"receipt":"r","result":1})")),
        "$.result: unknown member"
    );
}

TEST(WireJsonTest, ResultsComeBack) {
    const std::vector<Result<>> results{{}, fail(Errc::conflict, "the delivery is over")};

    const std::string text = write_results(results);
    const auto read = read_results(text);

    ASSERT_TRUE(read);
    EXPECT_TRUE((*read)[0]);
    EXPECT_EQ((*read)[1].error().code(), Errc::conflict);
    EXPECT_EQ((*read)[1].error().message(), "the delivery is over");
    expect_strictly<wire::SettleResults>(text);
}

TEST(WireJsonTest, ExtensionsComeBack) {
    const std::vector<std::string> receipts{"a", "b"};
    const std::vector<Result<Extended>> results{
        Extended{.lease_until = TimePoint(5s), .cancel_requested = true},
        fail(Errc::conflict, "over")};

    const auto request = read_extend_request(write_extend_request(receipts, 10s));
    const std::string text = write_extended(results);
    const auto read = read_extended(text);

    ASSERT_TRUE(request);
    EXPECT_EQ(request->receipts, receipts);
    EXPECT_EQ(request->lease, 10s);
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)[0]->lease_until, TimePoint(5s));
    EXPECT_TRUE((*read)[0]->cancel_requested);
    EXPECT_EQ((*read)[1].error().code(), Errc::conflict);
    EXPECT_EQ(read_extend_request(R"({"receipt":"a"})")->receipts.size(), 1U);
    EXPECT_FALSE(read_extend_request("{}"));
    EXPECT_FALSE(read_extend_request(R"({"receipt":"a","receipts":[]})"));
    expect_strictly<wire::ExtendResults>(text);
}

TEST(WireJsonTest, EveryErrorComesBack) {
    for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
        const Error error(static_cast<Errc>(i), "what \"is\" wrong");

        const std::string text = write_problem(error);
        const Error read = read_problem(problem_kind(error.code()).status, text);

        EXPECT_EQ(read.code(), error.code()) << text;
        EXPECT_EQ(read.message(), error.message());
        expect_strictly<wire::Problem>(text);
    }
}

TEST(WireJsonTest, AnAnswerThatIsNoProblemIsJudgedByItsStatus) {
    EXPECT_EQ(read_problem(502, "<html>").code(), Errc::unavailable);
    EXPECT_EQ(read_problem(404, "").code(), Errc::not_found);
    EXPECT_EQ(read_problem(413, "{}").code(), Errc::limit_exceeded);
    EXPECT_EQ(read_problem(418, "").code(), Errc::invalid_argument);
    EXPECT_EQ(read_problem(502, "<html>").message(), "the server answered 502: <html>");
}

TEST(WireJsonTest, EventsComeBack) {
    const JobEvent event{
        .number = 7,
        .at = TimePoint(5s),
        .id = "i",
        .queue = "q",
        .type = "t",
        .state = JobState::dead,
        .attempt = 3};

    const auto read = read_job_event(write_job_event(event));

    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 7U);
    EXPECT_EQ(read->at, event.at);
    EXPECT_EQ(read->id + read->queue + read->type, "iqt");
    EXPECT_EQ(read->state, JobState::dead);
    EXPECT_EQ(read->attempt, 3U);
    expect_strictly<JobEvent>(write_job_event(event));
}

TEST(WireJsonTest, ANewerServerMaySayMore) {
    const auto read = read_enqueued(R"([{"id":"a","shard":7}])");

    ASSERT_TRUE(read);
    EXPECT_EQ((*read)[0].id, "a");
}

}  // namespace
}  // namespace tranter::jobs
