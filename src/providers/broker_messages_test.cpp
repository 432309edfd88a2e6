#include "base/time.hpp"
#include "base/uuid.hpp"
#include "broker/broker.hpp"
#include "broker/message_attributes.hpp"
#include "providers/broker_provider.hpp"
#include "providers/broker_queues.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tranter::providers {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StillClock final : public Clock {
  public:
    Instant now() const override { return now_.load(); }
    Duration wall_ahead() const override { return wall_ahead_.load(); }
    void pass(Duration time) { now_ = now_.load() + time; }
    void set_wall(Duration ahead) { wall_ahead_ = ahead; }

  private:
    std::atomic<Instant> now_{Instant(std::chrono::hours(1'000))};
    std::atomic<Duration> wall_ahead_{};
};

/// Jobs in queues that others have made, and from messages that others have sent.
class BrokerMessagesTest : public testing::Test {
  public:
    ~BrokerMessagesTest() override = default;

  protected:
    broker::QueueHandle make(std::string_view name, broker::QueueSettings settings) {
        return broker.create_queue(name, std::move(settings)).value();
    }

    void send(
        const broker::QueueHandle& queue,
        std::string_view body,
        const std::vector<broker::StringAttribute>& attributes = {}
    ) {
        std::string encoded;
        if (!attributes.empty()) broker::encode_strings(attributes, encoded);
        const auto payload =
            engine::Payload::make({.body = body, .attributes = encoded, .id = make_uuid()});
        ASSERT_TRUE(broker.send(queue, {.payload = payload}).sent);
    }

    std::vector<ReceivedJob> receive(const std::string& queue = "q") {
        return provider.receive({.queue = queue, .jobs_max = 10}).value();
    }

    StillClock clock{};
    broker::NullJournal journal{};
    broker::Broker broker{{}, clock, journal};
    JobHistory history{{}, clock};
    BrokerProvider provider{broker, &history, {.name = "serve"}};
};

constexpr std::string_view callers_trace =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST_F(BrokerMessagesTest, AMessageSaysItsTraceInAttributesThatOthersKnow) {
    const auto queue = make("q", {});
    send(queue, "1", {{"traceparent", callers_trace}, {"tracestate", "a=b"}});
    send(queue, "2", {{"traceparent", "nonsense\n"}, {"tracestate", "a=b"}});
    const auto xray = engine::Payload::make(
        {.body = "3",
         .system_attributes =
             "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1",
         .id = make_uuid()}
    );
    ASSERT_TRUE(broker.send(queue, {.payload = xray}).sent);

    const auto received = receive();

    ASSERT_THAT(received, SizeIs(3));
    EXPECT_EQ(received[0].options.traceparent, callers_trace);
    EXPECT_EQ(received[0].options.tracestate, "a=b");
    EXPECT_EQ(received[1].options, JobOptions());
    EXPECT_EQ(received[2].options.traceparent, callers_trace);
}

TEST_F(BrokerMessagesTest, ATimeThatSomebodyNamesIsThatOfTheClockOnTheWall) {
    clock.set_wall(1h);
    const TimePoint wall = TimePoint((clock.now() + 1h).time_since_epoch());
    const std::vector<NewJob> jobs{
        {.type = "later", .run_at = wall + 10s},
        {.type = "ends", .options = {.deadline = wall + 5s}}};
    ASSERT_TRUE(provider.enqueue("q", jobs));
    ASSERT_TRUE(provider.enqueue("q", std::vector<NewJob>{{.type = "now", .run_at = wall}}));

    const JobPage page = provider.list({.filter = "type:later"}).value();
    ASSERT_THAT(page.jobs, SizeIs(1));
    EXPECT_EQ(page.jobs.front().run_at, wall + 10s);

    clock.pass(5s);
    broker.run_due();
    EXPECT_THAT(receive(), testing::ElementsAre(testing::Field(&ReceivedJob::type, "now")));
    const JobPage ended = provider.list({.filter = "type:ends"}).value();
    ASSERT_THAT(ended.jobs, SizeIs(1));
    EXPECT_EQ(ended.jobs.front().state, JobState::cancelled);
    EXPECT_TRUE(provider.retry(ended.jobs.front().id));
    broker.run_due();
    EXPECT_THAT(receive(), testing::ElementsAre(testing::Field(&ReceivedJob::type, "ends")));
    clock.pass(5s);
    broker.run_due();
    EXPECT_THAT(receive(), testing::ElementsAre(testing::Field(&ReceivedJob::type, "later")));
}

TEST_F(BrokerMessagesTest, AJobGivesItsTraceToWhoeverReceivesItAsAMessage) {
    const std::vector<NewJob> jobs{
        {.type = "t", .options = {.traceparent = std::string(callers_trace), .tracestate = "a=b"}},
        {.type = "t"},
        {.type = "t", .options = {.priority = 1, .traceparent = std::string(callers_trace)}}};
    ASSERT_TRUE(provider.enqueue("q", jobs));

    const auto peeked = broker.find_queue("q")->peek(0, 10);
    ASSERT_THAT(peeked, SizeIs(3));
    for (const auto& message : peeked) {
        const auto own = broker::find_attribute(message.payload.attributes(), "traceparent");
        const bool is_plain = broker::EncodedAttributes(message.payload.attributes()).count() == 1;
        EXPECT_EQ(own.has_value(), !is_plain);
    }
    const auto received = receive();
    ASSERT_THAT(received, SizeIs(3));
    std::size_t traced = 0;
    for (const ReceivedJob& job : received)
        traced += job.options.traceparent == callers_trace ? 1 : 0;
    EXPECT_EQ(traced, 2U);
}

TEST_F(BrokerMessagesTest, AnyMessageIsAJob) {
    const auto queue = make("q", {});
    send(queue, "plain text");
    send(queue, R"({"a":1})", {{"type", "mail"}});

    const auto received = receive();

    ASSERT_THAT(received, SizeIs(2));
    EXPECT_EQ(received[0].type, "message");
    EXPECT_EQ(received[0].payload, R"("plain text")");
    EXPECT_EQ(received[1].type, "mail");
    EXPECT_EQ(received[1].payload, R"({"a":1})");
}

TEST_F(BrokerMessagesTest, WhatCannotBeRunIsDeadAtItsFirstReceive) {
    make("dead", {});
    const auto queue = make("q", {.engine = {.max_receives = 3}, .dead_letter_queue = "dead"});
    send(queue, "1", {{"tranter.options", R"({"priorty":1})"}, {"type", "mail"}});
    send(queue, "2", {{"type", "mail"}});

    const auto received = receive();

    ASSERT_THAT(received, SizeIs(1));
    EXPECT_EQ(received[0].payload, "2");
    const auto dead = provider.list({.filter = "state:dead"});
    ASSERT_TRUE(dead);
    ASSERT_THAT(dead->jobs, SizeIs(1));
    EXPECT_EQ(dead->jobs[0].queue, "q");
    EXPECT_EQ(dead->jobs[0].failures.front().type, "unreadable");
    EXPECT_THAT(dead->jobs[0].reason, HasSubstr("priorty"));
    EXPECT_EQ(provider.stats("q")->dead, 1U);
}

TEST_F(BrokerMessagesTest, AQueueThatSaysNoDeadLetterQueueGetsOneForItsJobs) {
    const auto queue = make("q", {});
    send(queue, "no job yet");
    EXPECT_EQ(broker.find_queue("q-dlq"), nullptr);
    const NewJob job{.type = "mail", .options = {.retry = {.max_attempts = 1}}};
    const std::string id = provider.enqueue("q", {&job, 1})->front().id;
    const std::string receipt = receive().at(1).receipt;
    const std::vector<Settlement> failed{{.receipt = receipt, .outcome = Failed{.text = "no"}}};

    ASSERT_TRUE(provider.settle("q", failed)->front());

    EXPECT_EQ(provider.find(id)->state, JobState::dead);
    EXPECT_EQ(provider.stats("q")->dead_letter_queue, "q-dlq");
    EXPECT_EQ(queue->settings()->engine.max_receives, 0) << "messages are not moved";
    EXPECT_THAT(provider.list({.dead_letter_queue = "q-dlq"})->jobs, SizeIs(1));
    ASSERT_TRUE(provider.retry(id));
    EXPECT_THAT(receive(), SizeIs(1));
    EXPECT_THAT(provider.list({.dead_letter_queue = "q-dlq"})->jobs, IsEmpty());
}

/// Of threads that look at the queue at once: where each of them then sees dead jobs go.
std::vector<std::string> places_seen_at_once(JobQueues& queues, JobQueue& queue) {
    constexpr int threads_max = 4;
    std::vector<std::string> seen(threads_max);
    std::barrier start(threads_max);
    const auto look = [&](std::string& place) {
        start.arrive_and_wait();
        queues.find_place_for_dead(queue);
        place = queue.handle->settings()->dead_letter_queue;
    };
    std::vector<std::jthread> threads;
    for (std::string& place : seen)
        threads.emplace_back([&] { look(place); });
    threads.clear();
    return seen;
}

TEST_F(BrokerMessagesTest, NobodyPassesBeforeDeadJobsHaveAPlaceToGo) {
    JobQueues queues(broker);
    for (int round = 0; round < 200; ++round) {
        const std::string name = "q" + std::to_string(round);
        const JobQueuePtr queue = queues.of(make(name, {}));
        ASSERT_THAT(places_seen_at_once(queues, *queue), Each(name + "-dlq"));
    }
}

TEST_F(BrokerMessagesTest, AMessageWhoseWorkersDieIsDeadAfterAllAttempts) {
    const auto queue = make("q", {});
    send(queue, "poison", {{"tranter.options", R"({"retry":{"max_attempts":2}})"}});
    for (int i = 0; i < 2; ++i) {
        EXPECT_THAT(receive(), SizeIs(1));
        clock.pass(31s);
        broker.run_due();
    }

    EXPECT_THAT(receive(), IsEmpty());

    const auto dead = provider.list({.dead_letter_queue = "q-dlq"});
    ASSERT_THAT(dead->jobs, SizeIs(1));
    EXPECT_EQ(dead->jobs[0].failures.back().type, "lease_expired");
}

TEST_F(BrokerMessagesTest, WhereThereCannotBeADeadLetterQueueADeadJobIsHistoryOnly) {
    make("dead", {});
    make("q", {.engine = {.max_receives = 3}, .dead_letter_queue = "dead"});
    const std::string name(80, 'a');
    for (const std::string& queue : {std::string("dead"), name}) {
        if (queue != "dead") make(queue, {});
        const NewJob job{.type = "mail", .options = {.retry = {.max_attempts = 1}}};
        const std::string id = provider.enqueue(queue, {&job, 1})->front().id;
        const std::vector<Settlement> failed{
            {.receipt = receive(queue).front().receipt, .outcome = Failed{.text = "no"}}};

        ASSERT_TRUE(provider.settle(queue, failed)->front());

        EXPECT_EQ(provider.find(id)->state, JobState::dead);
        EXPECT_EQ(provider.stats(queue)->dead_letter_queue, "");
        EXPECT_EQ(provider.stats(queue)->processing, 0U);
        ASSERT_TRUE(provider.retry(id));
        EXPECT_THAT(receive(queue), SizeIs(1));
    }
    EXPECT_EQ(broker.find_queue("dead-dlq"), nullptr);
}

TEST_F(BrokerMessagesTest, AJobThatKillsItsWorkersEndsAlsoWithoutADeadLetterQueue) {
    make("q", {});
    const NewJob job{.type = "mail", .options = {.retry = {.max_attempts = 2}}};
    const std::string id = provider.enqueue("q", {&job, 1})->front().id;
    for (int attempt = 1; attempt <= 2; ++attempt) {
        EXPECT_THAT(receive(), SizeIs(1));
        clock.pass(30s);
    }

    EXPECT_THAT(receive(), IsEmpty());

    EXPECT_EQ(provider.find(id)->state, JobState::dead);
    EXPECT_EQ(provider.find(id)->failures.size(), 2U);
}

TEST_F(BrokerMessagesTest, AFifoQueueWantsAGroupAndKeepsItsOrder) {
    make("q.fifo", {.engine = {.groups = {.order = engine::Order::fifo}}});
    const auto enqueue = [this](NewJob job) {
        job.type = "mail";
        return provider.enqueue("q.fifo", {&job, 1});
    };
    EXPECT_THAT(enqueue({}).error().message(), HasSubstr("group"));
    EXPECT_THAT(
        enqueue({.delay = 1s, .options = {.group = "g"}}).error().message(), HasSubstr("delay")
    );
    EXPECT_THAT(
        enqueue({.options = {.priority = 1, .group = "g"}}).error().message(), HasSubstr("priority")
    );

    ASSERT_TRUE(enqueue({.payload = "1", .options = {.group = "g"}}));
    ASSERT_TRUE(enqueue({.payload = "1", .options = {.group = "g"}}));

    const auto first = provider.receive({.queue = "q.fifo"}).value();
    ASSERT_THAT(first, SizeIs(1));
    EXPECT_THAT(receive("q.fifo"), IsEmpty()) << "the group is blocked";
    const std::vector<Settlement> done{{.receipt = first[0].receipt, .outcome = Completed{}}};
    ASSERT_TRUE(provider.settle("q.fifo", done)->front());
    EXPECT_THAT(receive("q.fifo"), SizeIs(1));
}

TEST_F(BrokerMessagesTest, AQueueMayBeDeletedAndMadeAgain) {
    const NewJob job{.type = "mail"};
    ASSERT_TRUE(provider.enqueue("q", {&job, 1}));
    const auto received = receive();
    ASSERT_TRUE(broker.delete_queue(broker.find_queue("q")));
    const std::vector<Settlement> done{{.receipt = received[0].receipt, .outcome = Completed{}}};
    EXPECT_EQ(provider.settle("q", done).error().code(), Errc::not_found);

    ASSERT_TRUE(provider.enqueue("q", {&job, 1}));

    EXPECT_EQ(provider.settle("q", done)->front().error().code(), Errc::invalid_argument);
    EXPECT_EQ(provider.stats("q")->pending, 1U);
}

TEST_F(BrokerMessagesTest, ADeadJobComesBackIntoAQueueThatWasMadeAgain) {
    const NewJob job{.type = "mail"};
    const std::string id = provider.enqueue("q", {&job, 1})->front().id;
    const std::vector<Settlement> dead{
        {.receipt = receive().front().receipt, .outcome = Dead{.reason = "why"}}};
    ASSERT_TRUE(provider.settle("q", dead)->front());
    ASSERT_TRUE(broker.delete_queue(broker.find_queue("q")));

    EXPECT_EQ(provider.find(id)->state, JobState::dead);
    EXPECT_EQ(provider.find(id)->queue, "q");
    ASSERT_TRUE(provider.retry(id));

    ASSERT_THAT(receive(), SizeIs(1));
    EXPECT_THAT(provider.list({})->jobs, SizeIs(1));
}

}  // namespace
}  // namespace tranter::providers
