#include "providers/test_sqs.hpp"
#include "schedule/handover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

// What becomes of each job of a call of which a part is refused.
namespace tranter::providers {
namespace {

using testing::HasSubstr;

std::vector<NewJob> jobs_by_number(int count) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < count; ++i)
        jobs.push_back({.type = "t", .payload = std::to_string(i)});
    return jobs;
}

std::map<std::string, int> sent_by_payload(TestSqs& sqs) {
    std::map<std::string, int> sent;
    for (const TestSqs::Message& message : sqs.queues["mail"].messages)
        ++sent[std::string(message.entry["MessageBody"].text())];
    return sent;
}

TEST(SqsEnqueueEach, OneThatIsRefusedIsTheOnlyOneThatIsNotSent) {
    TestSqs sqs;
    const auto store = open_test_sqs(sqs);
    sqs.refuse = [](std::string_view, const aws::Json& entry) {
        return entry["MessageBody"].text() == "13" ? "InvalidMessageContents" : "";
    };
    std::vector<NewJob> jobs = jobs_by_number(25);
    jobs[4].payload = "{";

    const auto answers = store->enqueue_each("mail", jobs);

    ASSERT_EQ(answers.size(), 25U);
    for (std::size_t i = 0; i < answers.size(); ++i)
        EXPECT_EQ(answers[i].has_value(), i != 4 && i != 13) << i;
    EXPECT_THAT(answers[4].error().message(), HasSubstr("expected JSON"));
    EXPECT_THAT(answers[13].error().message(), HasSubstr("InvalidMessageContents"));
    EXPECT_EQ(sent_by_payload(sqs).size(), 23U);
    EXPECT_EQ(sqs.queues["mail"].messages.size(), 23U);
    EXPECT_EQ(answers[5]->id, sqs.queues["mail"].messages.at(4).id);
}

TEST(SqsEnqueueEach, WhatIsBehindACallThatFailsIsNotSent) {
    TestSqs sqs;
    const auto store = open_test_sqs(sqs);
    ASSERT_TRUE(store->enqueue("mail", jobs_by_number(1)));
    int calls = 0;
    sqs.instead = [&](const SqsCall& call) -> std::optional<Result<aws::Json>> {
        if (call.action != "SendMessageBatch" || ++calls != 2) return std::nullopt;
        return fail(Errc::timed_out, "no answer");
    };

    const auto answers = store->enqueue_each("mail", jobs_by_number(25));

    ASSERT_EQ(answers.size(), 25U);
    EXPECT_TRUE(answers[9]);
    EXPECT_EQ(answers[10].error().code(), Errc::timed_out);
    EXPECT_EQ(answers[20].error().code(), Errc::cancelled);
}

TEST(SqsEnqueueEach, ASchedulerSendsNoneTwiceWhenOneIsRefused) {
    TestSqs sqs;
    const auto store = open_test_sqs(sqs);
    sqs.refuse = [](std::string_view, const aws::Json& entry) {
        return entry["MessageBody"].text() == "9" ? "InvalidMessageContents" : "";
    };
    std::vector<schedule::Parcel> parcels;
    for (NewJob& job : jobs_by_number(30))
        parcels.push_back({.queue = "mail", .job = std::move(job)});

    const auto handed = schedule::hand_over(*store, parcels, [] { return TimePoint(); });

    for (std::size_t i = 0; i < handed.size(); ++i)
        EXPECT_EQ(handed[i].answer.has_value(), i != 9) << i;
    for (const auto& [payload, times] : sent_by_payload(sqs))
        EXPECT_EQ(times, 1) << payload;
    EXPECT_EQ(sqs.calls_of("SendMessageBatch"), 3U);
}

}  // namespace
}  // namespace tranter::providers
