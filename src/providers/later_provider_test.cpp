#include "providers/later_provider.hpp"

#include "jobs/test_provider.hpp"
#include "providers/sqs_message.hpp"
#include "providers/test_sqs.hpp"
#include "schedule/promoter.hpp"
#include "schedule/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::providers {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view later_id = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10";

TimePoint wall_time() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

/// Something happens before jobs arrive.
class SlowWay final : public NoProvider {
  public:
    SlowWay(std::shared_ptr<Provider> behind, std::function<void()> meanwhile)
        : behind_(std::move(behind)), meanwhile_(std::move(meanwhile)) {
        can = behind_->capabilities();
    }

    std::vector<Result<Enqueued>> enqueue_each(std::string_view queue, std::span<const NewJob> jobs)
        override {
        meanwhile_();
        return behind_->enqueue_each(queue, jobs);
    }

  private:
    const std::shared_ptr<Provider> behind_;
    const std::function<void()> meanwhile_;
};

/// SQS with a store of schedules behind it.
class LaterProviderTest : public testing::Test {
  public:
    LaterProviderTest() = default;
    ~LaterProviderTest() override = default;
    LaterProviderTest(const LaterProviderTest&) = delete;
    LaterProviderTest& operator=(const LaterProviderTest&) = delete;

  protected:
    Result<std::vector<Enqueued>> enqueue(NewJob job, std::string_view queue = "mail") {
        if (job.type.empty()) job.type = "email.welcome";
        return jobs_->enqueue(queue, {&job, 1});
    }
    std::size_t sent(const std::string& queue = "mail") {
        return sqs_.queues[queue].messages.size();
    }
    ScheduledJob kept(std::string_view id) { return store_->find_job(id).value(); }
    std::vector<ScheduledJob> all_kept() { return store_->list_jobs({}, 100).value(); }

    /// What `tranter timers` does at that moment.
    void move_timers(TimePoint now) { move_timers(now, *jobs_); }
    void move_timers(TimePoint now, Provider& provider) {
        schedule::ZoneDirectory zones;
        schedule::Promoter promoter(
            *store_, provider, zones, [now] { return now; }, schedule::Promoter::Options{}
        );
        ASSERT_TRUE(promoter.move_timers());
    }

    TestSqs sqs_{};
    std::shared_ptr<Provider> bare_ = open_test_sqs(sqs_);
    std::shared_ptr<schedule::ScheduleStore> store_ = schedule::open_store("memory:").value();
    std::shared_ptr<Provider> jobs_ = keep_later_jobs(bare_, store_);
};

/// With a connection.
class ConnectedStore final : public NoProvider {
  public:
    std::optional<ConnectionMetrics> connections() const override {
        return ConnectionMetrics{.made = 7};
    }
};

TEST_F(LaterProviderTest, ConnectionsAreThoseOfTheStoreOfJobs) {
    EXPECT_FALSE(jobs_->connections());

    const auto jobs = keep_later_jobs(std::make_shared<ConnectedStore>(), store_);

    EXPECT_EQ(jobs->connections().value().made, 7U);
}

TEST_F(LaterProviderTest, WhatTheStoreCannotDelayWaitsInTheStoreOfSchedules) {
    const TimePoint before = wall_time();
    const auto done = enqueue({.payload = R"({"n":1})", .delay = 2h, .options = {.group = "acme"}});

    ASSERT_TRUE(done) << done.error().message();
    const ScheduledJob job = kept(done->at(0).id);
    EXPECT_EQ(sent(), 0U);
    EXPECT_EQ(job.queue, "mail");
    EXPECT_EQ(job.type, "email.welcome");
    EXPECT_EQ(job.payload, R"({"n":1})");
    EXPECT_EQ(job.options.group, "acme");
    EXPECT_GE(job.due, before + 2h);
    EXPECT_LE(job.due, wall_time() + 2h);
    ASSERT_TRUE(enqueue({.delay = 15min}));
    EXPECT_EQ(sent(), 1U);
    EXPECT_EQ(all_kept().size(), 1U);
}

TEST_F(LaterProviderTest, ItIsHandedOverAtItsTimeUnderItsIdAndNeverEarly) {
    const std::string id = enqueue({.delay = 2h}).value().at(0).id;
    const TimePoint due = kept(id).due;

    move_timers(due - 1us);
    EXPECT_EQ(sent(), 0U);
    move_timers(due);
    move_timers(due + 1h);

    ASSERT_EQ(sent(), 1U);
    const aws::Json& message = sqs_.queues["mail"].messages.at(0).entry;
    EXPECT_EQ(message["MessageAttributes"]["tranter.id"]["StringValue"].text(), id);
    EXPECT_TRUE(message["DelaySeconds"].is_null());
    EXPECT_EQ(kept(id).state, ScheduledState::enqueued);
}

/// A scheduler that stood still on the way to its provider for longer than its jobs are held:
/// another one has tried them meanwhile, in vain, so they wait again.
TEST_F(LaterProviderTest, AJobThatWasGivenBackMeanwhileIsNotTakenForHandedOver) {
    const std::string id = enqueue({.delay = 2h}).value().at(0).id;
    const TimePoint due = kept(id).due;
    SlowWay slow(jobs_, [&] {
        ASSERT_EQ(store_->take_jobs(due + 31s, due + 61s, 9)->size(), 1U);
        const schedule::JobOutcome in_vain{
            .id = id,
            .state = ScheduledState::waiting,
            .error = "no answer",
            .retry_at = due + 40s,
            .held_until = due + 61s};
        ASSERT_TRUE(store_->settle_jobs({&in_vain, 1}, due + 32s));
    });

    move_timers(due, slow);

    EXPECT_EQ(sent(), 0U);
    EXPECT_EQ(kept(id).state, ScheduledState::waiting);
    move_timers(due + 40s, *jobs_);
    EXPECT_EQ(sent(), 1U);
    EXPECT_EQ(kept(id).state, ScheduledState::enqueued);
}

TEST_F(LaterProviderTest, AnIdThatIsKnownIsADuplicate) {
    const NewJob job{.id = std::string(later_id), .delay = 2h};
    ASSERT_TRUE(enqueue(job));

    const auto again = enqueue(job);
    const std::vector<NewJob> both{
        {.id = std::string(later_id), .type = "t", .delay = 3h}, {.type = "t", .delay = 3h}};
    const auto mixed = jobs_->enqueue("mail", both);

    ASSERT_TRUE(again);
    EXPECT_EQ(again->at(0).duplicate_of, later_id);
    ASSERT_TRUE(mixed);
    EXPECT_EQ(mixed->at(0).duplicate_of, later_id);
    EXPECT_EQ(mixed->at(1).duplicate_of, "");
    EXPECT_EQ(all_kept().size(), 2U);
}

TEST_F(LaterProviderTest, AnIdThatWaitsIsKnownToAJobThatNeedNotWait) {
    ASSERT_TRUE(enqueue({.id = std::string(later_id), .delay = 2h}));

    const auto again = enqueue({.id = "0B6D3F4E-9F0C-4C8E-8F6A-2D1C5B7A9E10"});
    const NewJob same{.id = std::string(later_id), .type = "t"};
    const auto each = jobs_->enqueue_each("mail", {&same, 1});

    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->at(0).duplicate_of, later_id);
    ASSERT_EQ(each.size(), 1U);
    ASSERT_TRUE(each[0]);
    EXPECT_EQ(each[0]->duplicate_of, later_id);
    EXPECT_EQ(sent(), 0U);
    ASSERT_EQ(jobs_->cancel(later_id), Cancelled::removed);
    ASSERT_TRUE(enqueue(same));
    EXPECT_EQ(sent(), 1U);
}

TEST_F(LaterProviderTest, AnIdIsOneJobWithinACallToo) {
    const std::vector<NewJob> jobs{
        {.id = std::string(later_id), .type = "now"},
        {.type = "other"},
        {.id = std::string(later_id), .type = "late", .delay = 2h}};

    const auto done = jobs_->enqueue("mail", jobs);

    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->at(0).duplicate_of, later_id);
    EXPECT_EQ(done->at(1).id, sqs_.queues["mail"].messages.at(0).id);
    EXPECT_EQ(done->at(2).duplicate_of, "");
    EXPECT_EQ(sent(), 1U);
    EXPECT_EQ(kept(later_id).type, "late");
}

TEST_F(LaterProviderTest, AnswersAreInTheOrderOfTheJobs) {
    const std::vector<NewJob> jobs{
        {.type = "a"},
        {.type = "b", .delay = 1h},
        {.type = "c", .delay = 1min},
        {.type = "d", .delay = 2h}};

    const auto done = jobs_->enqueue("mail", jobs);

    ASSERT_TRUE(done);
    ASSERT_EQ(done->size(), 4U);
    EXPECT_EQ(done->at(0).id, sqs_.queues["mail"].messages.at(0).id);
    EXPECT_EQ(kept(done->at(1).id).type, "b");
    EXPECT_EQ(done->at(2).id, sqs_.queues["mail"].messages.at(1).id);
    EXPECT_EQ(kept(done->at(3).id).type, "d");
}

TEST_F(LaterProviderTest, AFifoQueueDelaysNoSingleJobSoThatEachWaits) {
    ASSERT_TRUE(enqueue({.delay = 5s, .options = {.group = "g"}}, "mail.fifo"));

    EXPECT_EQ(all_kept().at(0).queue, "mail.fifo");
}

TEST_F(LaterProviderTest, ATtlCountsFromTheEnqueue) {
    const TimePoint before = wall_time();

    const auto done = enqueue({.delay = 2h, .options = {.ttl = 3h}});

    ASSERT_TRUE(done) << done.error().message();
    const JobOptions options = kept(done->at(0).id).options;
    EXPECT_EQ(options.ttl, 0ms);
    EXPECT_GE(options.deadline.value(), before + 3h);
    EXPECT_LE(options.deadline.value(), wall_time() + 3h);
}

TEST_F(LaterProviderTest, WhatNobodyCouldDoIsRefusedAtOnce) {
    const auto problem = [&](const NewJob& job) {
        const auto done = enqueue(job);
        return done ? std::string() : done.error().message();
    };

    EXPECT_THAT(
        problem({.delay = 2h, .options = {.priority = 1}}), HasSubstr("sqs has no priorities")
    );
    EXPECT_THAT(problem({.id = "x", .delay = 2h}), HasSubstr("must be a UUID"));
    EXPECT_THAT(problem({.payload = "{", .delay = 2h}), HasSubstr("expected JSON"));
    EXPECT_THAT(problem({.delay = 24h * 3651}), HasSubstr("delay is 3651d, limit is 3650d"));
    EXPECT_THAT(
        problem({.run_at = wall_time() + 24h * 3651}), HasSubstr("more than ten years away")
    );
    EXPECT_TRUE(all_kept().empty());
}

TEST_F(LaterProviderTest, AJobThatWaitsIsFoundCancelledAndPromoted) {
    const std::string first = enqueue({.delay = 2h}).value().at(0).id;
    const std::string second = enqueue({.delay = 2h}).value().at(0).id;
    ASSERT_EQ(jobs_->find(first)->state, JobState::scheduled);
    EXPECT_EQ(jobs_->find(first)->run_at, kept(first).due);

    EXPECT_EQ(jobs_->cancel(first), Cancelled::removed);
    EXPECT_EQ(jobs_->find(first)->state, JobState::cancelled);
    EXPECT_EQ(jobs_->cancel(first).error().code(), Errc::conflict);
    ASSERT_TRUE(jobs_->promote(second));
    move_timers(wall_time());

    EXPECT_EQ(sent(), 1U);
    // From now on it is a message like any other, which SQS does not find.
    EXPECT_EQ(jobs_->find(second).error().code(), Errc::unsupported);
    EXPECT_EQ(jobs_->cancel(second).error().code(), Errc::unsupported);
    EXPECT_EQ(jobs_->promote(later_id).error().code(), Errc::unsupported);
}

TEST_F(LaterProviderTest, JobsThatWaitAreListedByTimeAndFilter) {
    for (int i = 0; i < 7; ++i) {
        const NewJob job{.type = i % 2 == 0 ? "even" : "odd", .delay = 1h * (10 - i)};
        ASSERT_TRUE(enqueue(job));
    }
    ListRequest request{.filter = "state:scheduled type:even", .jobs_max = 3};

    const auto first = jobs_->list(request);
    ASSERT_TRUE(first) << first.error().message();
    request.cursor = first->next;
    const auto second = jobs_->list(request);

    ASSERT_EQ(first->jobs.size(), 3U);
    EXPECT_LT(first->jobs[0].run_at, first->jobs[1].run_at);
    ASSERT_EQ(second->jobs.size(), 1U);
    EXPECT_EQ(second->next, "");
    const auto all = jobs_->list({});
    EXPECT_THAT(all.error().message(), HasSubstr("are listed by state:scheduled"));
    EXPECT_EQ(jobs_->list({.filter = "state:dead"}).error().code(), Errc::unsupported);
}

TEST_F(LaterProviderTest, AJobThatSqsDoesNotTakeIsDeadWithTheReason) {
    const std::string id = enqueue({.delay = 2h}, "mail.fifo").value().at(0).id;
    aws::Json attributes;
    attributes.set("FifoQueue", "true");
    sqs_.queues["mail.fifo"].attributes = std::move(attributes);

    move_timers(kept(id).due);

    const auto job = jobs_->find(id);
    ASSERT_TRUE(job) << job.error().message();
    EXPECT_EQ(job->state, JobState::dead);
    EXPECT_THAT(job->reason, HasSubstr("the job has no group"));
}

TEST_F(LaterProviderTest, WithoutAStoreTheErrorSaysThatOneHelps) {
    const NewJob job{.type = "t", .delay = 2h, .options = {.group = "g"}};
    aws::Json attributes;
    attributes.set("FifoQueue", "true");
    sqs_.queues["mail.fifo"].attributes = std::move(attributes);

    for (const std::string_view queue : {"mail", "mail.fifo"}) {
        const auto refused = bare_->enqueue(queue, {&job, 1});
        EXPECT_EQ(refused.error().code(), Errc::unsupported);
        EXPECT_THAT(
            refused.error().message(),
            AllOf(HasSubstr("delay is 2h"), HasSubstr("store of schedules"))
        );
    }
}

TEST(KeepLaterJobsTest, OpensAStoreOnlyForWhatNeedsOne) {
    const auto memory = open_provider("memory:", {.schedule_store = "nonsense:"});
    ASSERT_TRUE(memory) << memory.error().message();
    const std::string url = "sqs:http://127.0.0.1:9/000000000000";

    const auto lost = open_provider(url, {.schedule_store = "memory:"});
    const auto wrong = open_provider(url, {.schedule_store = "nonsense:"});

    EXPECT_THAT(lost.error().message(), HasSubstr("where nobody would find the jobs"));
    EXPECT_EQ(wrong.error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace tranter::providers
