#include "providers/sqs_job.hpp"
#include "providers/sqs_message.hpp"
#include "providers/test_sqs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tranter::providers {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

class SqsDeliveryTest : public testing::Test {
  protected:
    void SetUp() override { enqueue({}); }

    void enqueue(NewJob job) {
        if (job.type.empty()) job.type = "t";
        const auto done = store_->enqueue("mail", {&job, 1});
        ASSERT_TRUE(done) << done.error().message();
    }
    std::vector<TestSqs::Message>& messages(const std::string& queue = "mail") {
        return sqs_.queues[queue].messages;
    }
    /// A message of somebody else.
    void send(std::string_view body, std::string_view type = "", std::string_view options = "") {
        aws::Json attributes;
        const auto add = [&](std::string_view name, std::string_view value) {
            if (value.empty()) return;
            aws::Json attribute;
            attribute.set("DataType", "String").set("StringValue", value);
            attributes.set(name, std::move(attribute));
        };
        add("type", type);
        add("tranter.options", options);
        aws::Json entry;
        entry.set("MessageBody", body).set("MessageAttributes", std::move(attributes));
        messages().push_back({.id = "foreign", .entry = entry, .sent_at = sqs_.time->now});
    }
    std::vector<ReceivedJob> receive(std::size_t count = 1, Milliseconds lease = seconds(30)) {
        return receive_from(*store_, "mail", count, lease);
    }
    static std::vector<ReceivedJob> receive_from(
        Provider& store, std::string queue, std::size_t count, Milliseconds lease = seconds(30)
    ) {
        auto jobs = store.receive({.queue = std::move(queue), .jobs_max = count, .lease = lease});
        EXPECT_TRUE(jobs) << jobs.error().message();
        return std::move(jobs).value_or(std::vector<ReceivedJob>());
    }
    ReceivedJob take() {
        auto jobs = receive();
        EXPECT_EQ(jobs.size(), 1U);
        return jobs.empty() ? ReceivedJob() : jobs.front();
    }
    Result<> settle(const ReceivedJob& job, AttemptOutcome outcome) {
        return settle_in(*store_, job, std::move(outcome));
    }
    static Result<> settle_in(Provider& store, const ReceivedJob& job, AttemptOutcome outcome) {
        const Settlement settlement{.receipt = job.receipt, .outcome = std::move(outcome)};
        auto results = store.settle(job.queue, {&settlement, 1});
        if (!results) return std::unexpected(results.error());
        return results->at(0);
    }
    Result<Extended> extend(const ReceivedJob& job, Milliseconds lease) {
        auto results = store_->extend("mail", {&job.receipt, 1}, lease);
        if (!results) return std::unexpected(results.error());
        return results->at(0);
    }
    static std::string attribute(const TestSqs::Message& message, std::string_view name) {
        return std::string(message.entry["MessageAttributes"][name]["StringValue"].text());
    }

    TestSqs sqs_{};
    std::shared_ptr<Provider> store_ = open_test_sqs(sqs_);
};

TEST_F(SqsDeliveryTest, HandsOutWhatWasEnqueued) {
    messages().clear();
    enqueue(
        {.type = "email",
         .payload = R"({"a":1})",
         .options = {.group = "für alle", .retry = {.max_attempts = 7}, .tags = {"x"}}}
    );

    const ReceivedJob job = take();

    EXPECT_EQ(job.id, messages()[0].id);
    EXPECT_EQ(job.queue, "mail");
    EXPECT_EQ(job.type, "email");
    EXPECT_EQ(job.payload, R"({"a":1})");
    EXPECT_EQ(job.attempt, 1U);
    EXPECT_EQ(job.options.group, "für alle");
    EXPECT_EQ(job.options.retry.max_attempts, 7U);
    EXPECT_EQ(job.options.tags, std::vector<std::string>{"x"});
    EXPECT_EQ(job.created_at, TimePoint(sqs_.time->now.time_since_epoch()));
    EXPECT_EQ(job.lease_until, job.created_at + seconds(30));
}

TEST_F(SqsDeliveryTest, HandsOutTheTraceOfAJobThatWasEnqueuedAndOfAForeignMessage) {
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    messages().clear();
    enqueue({.type = "email", .options = {.traceparent = trace, .tracestate = "a=b"}});

    ReceivedJob job = take();
    EXPECT_EQ(job.options.traceparent, trace);
    EXPECT_EQ(job.options.tracestate, "a=b");

    SqsDelivery foreign;
    foreign.message.body = "1";
    foreign.message.trace_header =
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
    foreign.message.set_text("type", "t");
    EXPECT_EQ(job_of_delivery(foreign, {})->options.traceparent, trace);
}

TEST_F(SqsDeliveryTest, KnowsWhenTheFirstAttemptOfAJobWasDue) {
    ASSERT_TRUE(settle(take(), Completed{}));
    enqueue({.delay = Milliseconds(5000)});
    sqs_.time->now += seconds(7);

    const ReceivedJob first = take();
    EXPECT_EQ(first.due_at, first.created_at + seconds(5));
    ASSERT_TRUE(settle(first, Failed{.retry_after = seconds(1)}));
    sqs_.time->now += seconds(2);

    EXPECT_FALSE(take().due_at) << "only SQS knows";
}

TEST_F(SqsDeliveryTest, MakesJobsOfForeignMessages) {
    store_ = open_test_sqs(sqs_, "sqs:http://127.0.0.1:9324?default_type=mail");
    messages().clear();
    send("hello \"you\"");
    send("[1]", "special");

    const auto jobs = receive(10);

    ASSERT_EQ(jobs.size(), 2U);
    EXPECT_EQ(jobs[0].type, "mail");
    EXPECT_EQ(jobs[0].payload, R"("hello \"you\"")");
    EXPECT_EQ(jobs[0].options.retry.max_attempts, 25U);
    EXPECT_EQ(jobs[1].type, "special");
    EXPECT_EQ(jobs[1].payload, "[1]");
}

TEST_F(SqsDeliveryTest, GrantsTheAttemptsOfTheQueueUnlessTheJobSaysOtherwise) {
    aws::Json attributes;
    attributes.set(
        "RedrivePolicy",
        R"({"deadLetterTargetArn":"arn:aws:sqs:r:000000000000:graves","maxReceiveCount":4})"
    );
    sqs_.queues["mail"].attributes = std::move(attributes);
    sqs_.pass(minutes(2));
    enqueue({.options = {.retry = {.max_attempts = 2}}});

    const auto jobs = receive(10);

    ASSERT_EQ(jobs.size(), 2U);
    EXPECT_EQ(jobs[0].options.retry.max_attempts, 4U);
    EXPECT_EQ(jobs[1].options.retry.max_attempts, 2U);
    EXPECT_EQ(store_->stats("mail").value().dead_letter_queue, "graves");
}

TEST_F(SqsDeliveryTest, ReceivesMoreThanTenInSeveralCalls) {
    for (int i = 0; i < 24; ++i) {
        enqueue({});
    }

    EXPECT_EQ(receive(23).size(), 23U);
    EXPECT_EQ(receive(23).size(), 2U);
}

TEST_F(SqsDeliveryTest, WaitsInPollsOfTwentySeconds) {
    messages().clear();
    const Instant begun = sqs_.time->now;

    const auto jobs = store_->receive({.queue = "mail", .wait = seconds(45)});

    EXPECT_TRUE(jobs.value().empty());
    EXPECT_EQ(sqs_.time->now - begun, seconds(45));
    EXPECT_EQ(sqs_.calls_of("ReceiveMessage"), 4U);
}

TEST_F(SqsDeliveryTest, DeletesWhatIsCompleted) {
    const ReceivedJob job = take();

    ASSERT_TRUE(settle(job, Completed{"1"}));

    EXPECT_TRUE(messages().empty());
    EXPECT_EQ(store_->stats("mail").value().completed, 1U);
    EXPECT_EQ(settle(job, Completed{}).error().code(), Errc::conflict);
}

TEST_F(SqsDeliveryTest, RefusesAReceiptWhoseLeaseIsOver) {
    const ReceivedJob job = take();
    sqs_.pass(seconds(30));

    EXPECT_EQ(settle(job, Completed{}).error().code(), Errc::conflict);
    EXPECT_EQ(extend(job, seconds(30)).error().code(), Errc::conflict);

    const ReceivedJob again = take();
    EXPECT_EQ(again.attempt, 2U);
    EXPECT_EQ(settle(job, Completed{}).error().code(), Errc::conflict);
    EXPECT_TRUE(settle(again, Completed{}));
}

TEST_F(SqsDeliveryTest, RefusesTheReceiptOfAnotherQueueWhichStaysGood) {
    const ReceivedJob job = take();
    ReceivedJob elsewhere = job;
    elsewhere.queue = "mail-dlq";

    EXPECT_EQ(settle(elsewhere, Completed{}).error().code(), Errc::invalid_argument);

    EXPECT_TRUE(settle(job, Completed{}));
}

TEST_F(SqsDeliveryTest, RefusesOutcomesThatNobodyWouldTake) {
    const ReceivedJob job = take();

    for (const AttemptOutcome& outcome : std::vector<AttemptOutcome>{
             Completed{"{"},
             Completed{'"' + std::string(result_bytes_max, 'x') + '"'},
             Failed{.retry_after = seconds(-1)},
             Snoozed{seconds(-1)}}) {
        EXPECT_EQ(settle(job, outcome).error().code(), Errc::invalid_argument) << outcome.index();
    }

    EXPECT_TRUE(settle(job, Completed{"{}"}));
}

TEST_F(SqsDeliveryTest, LetsADeliveryBeSettledAgainAfterTheServerFailed) {
    const ReceivedJob job = take();
    sqs_.instead = [](const SqsCall&) {
        return fail(Errc::unavailable, "nobody is there");
    };

    EXPECT_EQ(settle(job, Completed{}).error().code(), Errc::unavailable);

    sqs_.instead = nullptr;
    EXPECT_TRUE(settle(job, Completed{}));
}

TEST_F(SqsDeliveryTest, KeepsTheLeaseOfAJobThatIsExtended) {
    const ReceivedJob job = take();
    sqs_.pass(seconds(20));

    const auto extended = extend(job, seconds(30)).value();
    sqs_.pass(seconds(29));

    EXPECT_EQ(extended.lease_until, job.lease_until + seconds(20));
    EXPECT_TRUE(receive().empty());
    EXPECT_TRUE(settle(job, Completed{}));
}

TEST_F(SqsDeliveryTest, ExtendsNoFurtherThanTwelveHours) {
    const ReceivedJob job = receive(1, hours(12)).at(0);
    sqs_.pass(hours(11));

    const auto shortened = extend(job, hours(2)).value();
    EXPECT_EQ(shortened.lease_until, job.created_at + hours(12) - seconds(1));

    sqs_.pass(hours(1) - seconds(1) - std::chrono::microseconds(1));
    const auto refused = extend(job, seconds(30));
    EXPECT_EQ(refused.error().code(), Errc::limit_exceeded);
    EXPECT_THAT(refused.error().message(), HasSubstr("12 hours"));
}

TEST_F(SqsDeliveryTest, ShowsAFailedJobAgainWhenItsPolicySays) {
    messages().clear();
    enqueue({.options = {.retry = {.base = seconds(7), .jitter = 0}}});

    ASSERT_TRUE(settle(take(), Failed{.type = "E", .text = "no"}));
    sqs_.pass(seconds(7) - std::chrono::microseconds(1));
    EXPECT_TRUE(receive().empty());
    sqs_.pass(std::chrono::microseconds(1));
    const ReceivedJob again = take();

    EXPECT_EQ(again.attempt, 2U);
    ASSERT_TRUE(settle(again, Failed{.retry_after = Milliseconds(1200)}));
    EXPECT_EQ(messages()[0].visible_at - sqs_.time->now, seconds(2));
    EXPECT_EQ(store_->stats("mail").value().failed, 2U);
}

TEST_F(SqsDeliveryTest, GivesAJobThatFailedItsLastAttemptToTheDeadLetterQueue) {
    messages().clear();
    enqueue(
        {.payload = "[5]", .options = {.group = "g", .retry = {.max_attempts = 1}, .tags = {"x"}}}
    );
    const ReceivedJob job = take();

    const auto settled = settle(job, Failed{.type = "E", .text = "bad \x1b \xff"});

    ASSERT_TRUE(settled) << settled.error().message();
    EXPECT_TRUE(messages().empty());
    ASSERT_EQ(messages("mail-dlq").size(), 1U);
    const TestSqs::Message& dead = messages("mail-dlq")[0];
    EXPECT_EQ(dead.entry["MessageBody"].text(), "[5]");
    EXPECT_EQ(dead.entry["MessageGroupId"].text(), "g");
    EXPECT_EQ(attribute(dead, "type"), "t");
    EXPECT_EQ(attribute(dead, "tranter.id"), job.id);
    EXPECT_EQ(attribute(dead, "tranter.queue"), "mail");
    EXPECT_THAT(
        attribute(dead, "tranter.error"), HasSubstr(R"({"attempt":1,"type":"E","text":"bad \u001b)")
    );
    EXPECT_EQ(store_->stats("mail").value().dead, 1U);
}

TEST_F(SqsDeliveryTest, HandsOutWhatIsInADeadLetterQueueWithAttemptsToSpare) {
    const ReceivedJob job = take();
    ASSERT_TRUE(settle(job, Dead{.type = "E", .reason = "no"}));
    messages("mail-dlq")[0].receives = 30;

    const auto jobs = receive_from(*store_, "mail-dlq", 1);

    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].id, job.id);
    EXPECT_EQ(jobs[0].created_at, job.created_at);
    EXPECT_TRUE(settle_in(*store_, jobs[0], Failed{}));
    EXPECT_EQ(messages("mail-dlq").size(), 1U);
}

TEST_F(SqsDeliveryTest, SaysWhichQueueMayHaveBeenMeant) {
    for (const char* url :
         {"sqs:http://127.0.0.1:9324/000000000000",
          "sqs:http://127.0.0.1:9324/000000000000/mial"}) {
        store_ = open_test_sqs(sqs_, url);

        const auto missing = store_->receive({.queue = "mial"});

        ASSERT_FALSE(missing);
        EXPECT_EQ(missing.error().code(), Errc::not_found);
        EXPECT_EQ(missing.error().message(), "queue mial does not exist (did you mean mail?)");
    }
    sqs_.instead = [](const SqsCall& call) -> std::optional<Result<aws::Json>> {
        if (call.action != "ListQueues") return std::nullopt;
        return fail(Errc::permission_denied, "no");
    };
    EXPECT_EQ(store_->receive({.queue = "mial"}).error().message(), "queue mial does not exist");
}

TEST_F(SqsDeliveryTest, KeepsADeadJobThatHasNowhereToGo) {
    aws::Json attributes;
    sqs_.queues["mail"].attributes = attributes.set("MaximumMessageSize", "262144");
    sqs_.queues.erase("mail-dlq");
    store_ = open_test_sqs(sqs_, "sqs:http://127.0.0.1:9324/000000000000/mail");

    const auto refused = settle(take(), Dead{.reason = "no"});

    EXPECT_EQ(refused.error().code(), Errc::unsupported);
    EXPECT_THAT(
        refused.error().message(),
        AllOf(HasSubstr("queue mail has no dead-letter queue"), HasSubstr("mail-dlq"))
    );
    ASSERT_EQ(messages().size(), 1U);
    EXPECT_EQ(messages()[0].visible_at - sqs_.time->now, hours(12) - seconds(1));
    EXPECT_FALSE(sqs_.queues.contains("mail-dlq"));
}

TEST_F(SqsDeliveryTest, MakesAMissingDeadLetterQueueForADeadJob) {
    aws::Json attributes;
    sqs_.queues["mail"].attributes = attributes.set("MaximumMessageSize", "262144");
    sqs_.queues.erase("mail-dlq");
    store_ = open_test_sqs(sqs_);

    ASSERT_TRUE(settle(take(), Dead{.reason = "no"}));

    EXPECT_TRUE(messages().empty());
    EXPECT_EQ(messages("mail-dlq").size(), 1U);
}

TEST_F(SqsDeliveryTest, SendsADeadJobOnceThoughItCannotBeDeletedAtFirst) {
    const ReceivedJob job = take();
    sqs_.refuse = [](std::string_view action, const aws::Json&) {
        return action == "DeleteMessageBatch" ? "AccessDenied" : "";
    };
    EXPECT_FALSE(settle(job, Dead{.reason = "no"}));
    ASSERT_EQ(messages().size(), 1U);

    sqs_.refuse = nullptr;
    ASSERT_TRUE(settle(job, Dead{.reason = "no"}));

    EXPECT_TRUE(messages().empty());
    EXPECT_EQ(messages("mail-dlq").size(), 1U);
}

TEST_F(SqsDeliveryTest, DoesNotCountWhatWasReleasedOrSnoozed) {
    ASSERT_TRUE(settle(take(), Released{}));
    const ReceivedJob released = take();
    ASSERT_TRUE(settle(released, Snoozed{seconds(10)}));
    EXPECT_TRUE(receive().empty());
    sqs_.pass(seconds(10));
    const ReceivedJob snoozed = take();

    EXPECT_EQ(released.attempt, 1U);
    EXPECT_EQ(snoozed.attempt, 1U);
    EXPECT_EQ(messages()[0].receives, 3);
    ASSERT_TRUE(settle(snoozed, Failed{.retry_after = Milliseconds(0)}));
    EXPECT_EQ(take().attempt, 2U);
}

TEST_F(SqsDeliveryTest, SnoozesAJobMoreOftenThanItsQueueDelivers) {
    const TimePoint created = TimePoint(sqs_.time->now.time_since_epoch());
    ASSERT_TRUE(settle(take(), Failed{.retry_after = Milliseconds(0)}));
    const std::string id = messages()[0].id;

    for (int i = 0; i < 60; ++i) {
        const ReceivedJob job = take();
        ASSERT_EQ(job.attempt, 2U) << i;
        ASSERT_EQ(job.id, id) << i;
        ASSERT_EQ(job.created_at, created) << i;
        ASSERT_LE(messages()[0].receives, 25) << i;
        ASSERT_TRUE(settle(job, Snoozed{seconds(10)}));
        ASSERT_EQ(messages().size(), 1U) << i;
        ASSERT_TRUE(receive().empty()) << i;
        sqs_.pass(seconds(10));
    }
}

TEST_F(SqsDeliveryTest, BuriesAJobWhoseWorkersDied) {
    messages().clear();
    enqueue({.options = {.retry = {.max_attempts = 2}}});
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(receive().size(), 1U);
        sqs_.pass(seconds(30));
    }

    EXPECT_TRUE(receive().empty());

    EXPECT_TRUE(messages().empty());
    ASSERT_EQ(messages("mail-dlq").size(), 1U);
    EXPECT_THAT(
        attribute(messages("mail-dlq")[0], "tranter.error"), HasSubstr(R"("type":"lease_expired")")
    );
}

TEST_F(SqsDeliveryTest, BuriesWhatMakesNoSense) {
    messages().clear();
    send("1", "t", R"({"priorty":1})");
    send("2", "two words");
    send("3", "t", R"({"retry":{"max_attempts":0}})");
    send("4", "t", "{");

    EXPECT_TRUE(receive(10).empty());

    EXPECT_TRUE(messages().empty());
    ASSERT_EQ(messages("mail-dlq").size(), 4U);
    EXPECT_THAT(attribute(messages("mail-dlq")[0], "tranter.error"), HasSubstr("priorty"));
    EXPECT_THAT(attribute(messages("mail-dlq")[1], "tranter.error"), HasSubstr("two words"));
}

TEST_F(SqsDeliveryTest, DropsWhatDidNotBeginInTime) {
    messages().clear();
    enqueue({.options = {.ttl = minutes(1)}});
    enqueue({.options = {.ttl = minutes(3)}});
    ASSERT_TRUE(settle(receive(2).at(1), Failed{.retry_after = Milliseconds(0)}));
    sqs_.pass(minutes(1));
    messages()[0].receives = 0;  // as if it had never been received
    sqs_.pass(minutes(5));

    const auto jobs = receive(10);

    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].attempt, 2U);
    EXPECT_EQ(store_->stats("mail").value().cancelled, 1U);
}

TEST_F(SqsDeliveryTest, SettlesWhatAnotherProcessReceived) {
    enqueue({});
    enqueue({.options = {.retry = {.max_attempts = 1}}});
    enqueue({});
    const auto jobs = receive(4);
    ASSERT_EQ(jobs.size(), 4U);
    const auto other = open_test_sqs(sqs_);

    EXPECT_TRUE(settle_in(*other, jobs[0], Completed{}));
    EXPECT_TRUE(settle_in(*other, jobs[1], Failed{.retry_after = minutes(1)}));
    EXPECT_TRUE(settle_in(*other, jobs[2], Failed{}));
    const auto refused = settle_in(*other, jobs[3], Dead{});

    EXPECT_EQ(refused.error().code(), Errc::unsupported);
    ASSERT_EQ(messages().size(), 3U);
    EXPECT_EQ(messages()[0].visible_at - sqs_.time->now, minutes(1));
    EXPECT_TRUE(receive_from(*other, "mail", 1).empty());
    EXPECT_EQ(messages("mail-dlq").size(), 1U);
}

TEST_F(SqsDeliveryTest, AnswersForEverySettlementOfACall) {
    for (int i = 0; i < 24; ++i) {
        enqueue({});
    }
    const auto jobs = receive(25);
    std::vector<Settlement> settlements;
    for (const ReceivedJob& job : jobs) {
        settlements.push_back({.receipt = job.receipt, .outcome = Completed{}});
    }
    settlements[3].outcome = Released{};
    settlements[7].receipt = settlements[6].receipt;
    settlements[9].receipt = "garbage";

    const auto results = store_->settle("mail", settlements).value();

    ASSERT_EQ(results.size(), 25U);
    for (std::size_t i = 0; i < 25; ++i) {
        EXPECT_EQ(results[i].has_value(), i != 7 && i != 9) << i;
    }
    EXPECT_EQ(results[7].error().code(), Errc::conflict);
    EXPECT_EQ(results[9].error().code(), Errc::invalid_argument);
    EXPECT_EQ(messages().size(), 3U);
}

TEST_F(SqsDeliveryTest, SaysOfEverythingThatSqsCannotDoWhy) {
    const ReceivedJob job = take();
    std::vector<Error> errors;
    const auto note = [&](const auto& result) {
        ASSERT_FALSE(result);
        errors.push_back(result.error());
    };
    note(store_->find(job.id));
    note(store_->log_of(job.id));
    note(store_->list({}));
    note(store_->cancel(job.id));
    note(store_->retry(job.id));
    note(store_->promote(job.id));
    note(store_->wait(job.id, seconds(1)));
    note(store_->set_progress("mail", job.receipt, "1"));
    note(store_->append_log("mail", job.receipt, {}));
    note(store_->save_step("mail", job.receipt, {}));
    note(store_->set_paused("mail", true));
    note(store_->set_limits("mail", {}));
    note(store_->subscribe([](const JobEvent&) {}));

    EXPECT_EQ(errors.size(), 13U);
    for (const Error& error : errors) {
        EXPECT_EQ(error.code(), Errc::unsupported) << error.message();
        EXPECT_THAT(error.message(), AllOf(HasSubstr("the sqs: store cannot"), HasSubstr(": ")));
    }
}

TEST_F(SqsDeliveryTest, ListsQueuesByName) {
    const auto queues = store_->queues().value();

    ASSERT_EQ(queues.size(), 2U);
    EXPECT_EQ(queues[0].queue, "mail");
    EXPECT_EQ(queues[0].pending, 1U);
    EXPECT_EQ(queues[0].dead_letter_queue, "mail-dlq");
    EXPECT_EQ(queues[1].queue, "mail-dlq");
}

TEST_F(SqsDeliveryTest, IsUnavailableOnceItIsClosed) {
    store_->close();
    store_->close();

    EXPECT_EQ(store_->receive({.queue = "mail"}).error().code(), Errc::unavailable);
    EXPECT_EQ(store_->stats("mail").error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace tranter::providers
