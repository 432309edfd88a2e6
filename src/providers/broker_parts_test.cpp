#include "broker/message_attributes.hpp"
#include "jobs/job_event_hub.hpp"
#include "jobs/job_json.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_job_codec.hpp"
#include "providers/broker_running.hpp"
#include "providers/broker_under_way.hpp"
#include "providers/broker_waits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tranter::providers {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ---- messages that others sent -----------------------------------------------------------------

engine::Payload message(
    std::string_view body, const std::vector<broker::StringAttribute>& attributes = {}
) {
    std::string encoded;
    if (!attributes.empty()) broker::encode_strings(attributes, encoded);
    return engine::Payload::make({.body = body, .attributes = encoded});
}

TEST(BrokerJobCodecTest, AMessageWithoutATypeHasTheOneOfItsQueue) {
    broker::QueueSettings settings;
    EXPECT_EQ(read_shape(message("1"), "", settings).type, "message");

    settings.attributes.emplace(default_type_attribute, "mail");

    EXPECT_EQ(read_shape(message("1"), "", settings).type, "mail");
    EXPECT_EQ(read_shape(message("1", {{"type", "sms"}}), "", settings).type, "sms");
}

TEST(BrokerJobCodecTest, AMessageIsTriedAsOftenAsItsQueueDelivers) {
    broker::QueueSettings settings{.engine = {.max_receives = 3}};
    const auto attempts = [&](std::string_view options) {
        const std::vector<broker::StringAttribute> attributes{{"tranter.options", options}};
        return read_shape(message("1", attributes), "", settings).options.retry.max_attempts;
    };
    EXPECT_EQ(attempts("{}"), 25U);

    settings.dead_letter_queue = "dead";

    EXPECT_EQ(attempts("{}"), 3U);
    EXPECT_EQ(attempts(R"({"retry":{"max_attempts":7}})"), 7U);
}

TEST(BrokerJobCodecTest, ABodyThatIsNoJsonBecomesAJsonString) {
    EXPECT_EQ(read_payload(message(R"({"a": 1})")), R"({"a": 1})");
    EXPECT_EQ(read_payload(message("say \"hi\"")), R"("say \"hi\"")");
    EXPECT_EQ(read_payload(message("")), R"("")");
}

TEST(BrokerJobCodecTest, SaysWhatCannotBeRun) {
    const broker::QueueSettings settings;
    const auto problem = [&](const std::vector<broker::StringAttribute>& attributes) {
        return read_shape(message("1", attributes), "", settings).problem;
    };

    EXPECT_THAT(problem({{"type", "a b"}}), HasSubstr("type"));
    EXPECT_THAT(problem({{"type", "__a"}}), HasSubstr("__"));
    EXPECT_THAT(problem({{"tranter.options", "{"}}), HasSubstr("tranter.options"));
    EXPECT_THAT(problem({{"tranter.options", R"({"x":1})"}}), HasSubstr("x"));
    EXPECT_EQ(problem({{"tranter.options", R"({"priority":1})"}, {"type", "a"}}), "");
}

TEST(BrokerJobCodecTest, JobsOfOneCallDoNotShareWhatDiffers) {
    const std::array<NewJob, 4> jobs{
        NewJob{.type = "a"},
        NewJob{.type = "a", .options = {.tags = {"x"}}},
        NewJob{.type = "a"},
        NewJob{.type = "b", .options = {.group = "g"}}};
    const broker::QueueSettings settings{
        .engine = {.max_receives = 25}, .dead_letter_queue = "dead"};
    JobEncoder encoder(settings, false, EnqueueMoment(Instant()), jobs.size());
    for (const NewJob& job : jobs)
        encoder.add(job, make_uuid());

    std::vector<JobShape> shapes;
    for (const auto& request : encoder.requests())
        shapes.push_back(read_shape(request.payload, request.options.group, settings));

    for (std::size_t i = 0; i < jobs.size(); ++i) {
        EXPECT_EQ(shapes[i].type, jobs[i].type) << i;
        EXPECT_EQ(shapes[i].options, jobs[i].options) << i;
        EXPECT_EQ(encoder.requests()[i].options.traits, nullptr) << i;
    }
}

TEST(BrokerJobCodecTest, TheEngineLearnsWhatItMustActOn) {
    const NewJob job{
        .type = "a",
        .delay = 3s,
        .options = {
            .priority = 1,
            .retry = {.max_attempts = 4},
            .ttl = 10s,
            .deadline = TimePoint(20s),
            .dedup = Dedup{.key = "k", .mode = DedupMode::throttle, .ttl = 5s}}};
    const broker::QueueSettings settings{
        .engine = {.max_receives = 25}, .dead_letter_queue = "dead"};
    JobEncoder encoder(settings, false, EnqueueMoment(Instant(1s)), 1);

    encoder.add(job, make_uuid());

    const engine::SendOptions& options = encoder.requests()[0].options;
    EXPECT_EQ(options.delay, Duration(3s));
    ASSERT_NE(options.traits, nullptr);
    EXPECT_EQ(
        *options.traits,
        (engine::Traits{
            .priority = 1,
            .max_receives = 4,
            .deadline = Instant(11s),
            .uniqueness = engine::Uniqueness::throttle,
            .unique_key = "k",
            .unique_for = 5s})
    );
}

// ---- notes -------------------------------------------------------------------------------------

TEST(JobNoteTest, ComesBackFromItsText) {
    jobs::JobNote note;
    note.put({.name = "a\"", .result = R"({"x":1})"});
    note.add({.attempt = 2, .at = TimePoint(5us), .type = "E", .text = "line\nline"});

    const jobs::JobNote read = jobs::parse_note(jobs::format_note(note));

    ASSERT_THAT(read.steps, SizeIs(1));
    EXPECT_EQ(read.steps[0].name, "a\"");
    EXPECT_EQ(read.steps[0].result, R"({"x":1})");
    EXPECT_EQ(read.failures, note.failures);
    EXPECT_EQ(jobs::format_note({}), "");
    EXPECT_THAT(jobs::parse_note("what others wrote").steps, IsEmpty());
}

TEST(JobNoteTest, KeepsTheLastTenFailures) {
    jobs::JobNote note;
    for (std::uint32_t attempt = 1; attempt <= 12; ++attempt)
        note.add({.attempt = attempt});

    ASSERT_THAT(note.failures, SizeIs(10));
    EXPECT_EQ(note.failures.front().attempt, 3U);
    EXPECT_EQ(note.failures.back().attempt, 12U);
}

TEST(JobNoteTest, CutsLongTextsBetweenCharactersAndReplacesWhatIsNoText) {
    jobs::JobNote note;
    note.add({.text = "a" + std::string(999, 'x') + std::string("\xC3\xA4") + "tail"});
    std::string umlauts;
    for (int i = 0; i < 2'000; ++i)
        umlauts += "\xC3\xA4";
    note.add({.text = "a" + umlauts});
    note.add({.text = "bad \xFF byte"});

    EXPECT_THAT(note.failures[0].text, EndsWith("tail"));
    EXPECT_THAT(note.failures[1].text, EndsWith("\xC3\xA4..."));
    EXPECT_LE(note.failures[1].text.size(), 2'003U);
    EXPECT_EQ(note.failures[2].text, "bad ? byte");
    EXPECT_THAT(jobs::parse_note(jobs::format_note(note)).failures, SizeIs(3));
}

TEST(JobNoteTest, AttemptsThatLeftNothingLostTheirLease) {
    jobs::JobNote note;
    EXPECT_FALSE(note.add_lost_leases(1, TimePoint(1s)));
    EXPECT_TRUE(note.add_lost_leases(3, TimePoint(1s)));
    EXPECT_FALSE(note.add_lost_leases(3, TimePoint(1s)));
    note.add({.attempt = 3, .type = "E"});
    EXPECT_FALSE(note.add_lost_leases(4, TimePoint(2s)));
    // Retried by hand: it counts from 1 again, and the first attempt was lost.
    EXPECT_FALSE(note.add_lost_leases(1, TimePoint(3s)));
    EXPECT_TRUE(note.add_lost_leases(2, TimePoint(3s)));

    std::vector<std::string> seen;
    for (const AttemptFailure& failure : note.failures)
        seen.push_back(std::to_string(failure.attempt) + failure.type);
    EXPECT_THAT(seen, ElementsAre("1lease_expired", "2lease_expired", "3E", "1lease_expired"));
}

TEST(JobNoteTest, ManyLostLeasesTakeNoLongerThanAFew) {
    jobs::JobNote note;

    EXPECT_TRUE(note.add_lost_leases(4'000'000'000, TimePoint(1s)));

    EXPECT_EQ(note.failures.back().attempt, 3'999'999'999U);
}

// ---- while jobs run ----------------------------------------------------------------------------

TEST(RunningJobsTest, WhoReadsNotesIsNotDisturbedByWhatFollows) {
    RunningJobs running;
    const Uuid id = make_uuid();
    running.append_log(id, std::vector<std::string>{"one"});
    const RunningNotesPtr before = running.find(id);

    running.append_log(id, std::vector<std::string>{"two"});

    EXPECT_THAT(before->log.lines(), ElementsAre("one"));
    EXPECT_THAT(running.take(id)->log.lines(), ElementsAre("one", "two"));
    EXPECT_EQ(running.find(id), nullptr);
}

TEST(RunningJobsTest, CountsLinesThatFindNoRoom) {
    RunningJobs running(10);
    const Uuid id = make_uuid();

    running.append_log(id, std::vector<std::string>{"12345678", "12345678", "12"});

    EXPECT_THAT(running.find(id)->log.lines(), ElementsAre("12345678", "12"));
    EXPECT_EQ(running.find(id)->log.dropped(), 1U);
    running.take(id);
    running.append_log(make_uuid(), std::vector<std::string>{"1234567890"});
    EXPECT_EQ(running.find(id), nullptr);
}

TEST(WorkerTableTest, KnowsTheWorkerOfTheMessageThatIsThereNow) {
    WorkerTable table;
    WorkerTable::Access workers(table);
    workers.put({.slot = 3, .sequence = 10}, workers.number_of("a"));
    workers.put({.slot = 4, .sequence = 11}, workers.number_of("b"));

    EXPECT_EQ(workers.name_of(3, 10), "a");
    EXPECT_EQ(workers.name_of(4, 11), "b");
    EXPECT_EQ(workers.name_of(3, 12), "");
    EXPECT_EQ(workers.name_of(99, 1), "");
    workers.put({.slot = 3, .sequence = 10}, workers.number_of(""));
    EXPECT_EQ(workers.name_of(3, 10), "");
}

// ---- who is told -------------------------------------------------------------------------------

std::vector<JobEvent> events(const std::vector<std::string>& names) {
    std::vector<JobEvent> made;
    for (const std::string& name : names)
        made.push_back({.id = name});
    return made;
}

TEST(JobEventHubTest, AListenerMayPublishSubscribeAndLeave) {
    jobs::JobEventHub hub;
    std::vector<std::string> seen;
    std::shared_ptr<void> first;
    std::shared_ptr<void> second;
    first = hub.subscribe([&](const JobEvent& event) {
        seen.push_back("first " + event.id);
        second =
            hub.subscribe([&](const JobEvent& other) { seen.push_back("second " + other.id); });
        first.reset();
        hub.publish(events({"b"}));
    });

    hub.publish(events({"a"}));

    EXPECT_THAT(seen, ElementsAre("first a", "second b"));
    second.reset();
    hub.publish(events({"c"}));
    EXPECT_THAT(seen, SizeIs(2));
    EXPECT_FALSE(hub.has_listeners());
}

TEST(JobEventHubTest, GivesEveryListenerOneOrderFromManyThreads) {
    jobs::JobEventHub hub;
    std::vector<std::uint64_t> numbers;
    const auto subscription =
        hub.subscribe([&](const JobEvent& event) { numbers.push_back(event.number); });
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int k = 0; k < 250; ++k)
                    hub.publish(events({"x"}));
            });
        }
    }
    // Whoever delivers may have taken over the last events of the others.
    hub.publish(events({"last"}));

    ASSERT_THAT(numbers, SizeIs(1'001));
    for (std::size_t i = 0; i < numbers.size(); ++i)
        EXPECT_EQ(numbers[i], i + 1);
}

TEST(JobWaitsTest, TellsEverybodyWhoWaitsForTheJobOnce) {
    JobWaits waits;
    const Uuid job = make_uuid();
    std::vector<std::string> told;
    const auto teller = [&](std::string name) {
        return [&told, name](const Result<std::optional<JobRecord>>& record) {
            told.push_back(name + (record && *record ? (*record)->id : " nothing"));
        };
    };
    waits.add(job, teller("a"));
    const JobWaits::WaitId second = waits.add(job, teller("b"));
    waits.add(make_uuid(), teller("other"));

    waits.answer(job, second, std::nullopt);
    waits.answer(job, second, std::nullopt);
    EXPECT_TRUE(waits.has(job));
    waits.finished(job, {.id = "!"});

    EXPECT_FALSE(waits.has(job));
    EXPECT_THAT(told, ElementsAre("b nothing", "a!"));
    waits.close();
    EXPECT_EQ(waits.add(job, teller("late")), 0U);
    EXPECT_THAT(told, ElementsAre("b nothing", "a!", "other nothing", "late nothing"));
}

TEST(JobsUnderWayTest, FindsAJobUntilItIsTold) {
    JobsUnderWay under_way;
    const Uuid id = make_uuid();
    const engine::Payload payload = engine::Payload::make({.body = "1", .id = id});
    const auto ended =
        std::make_shared<FinishedJobs>("q", std::make_shared<const broker::QueueSettings>());
    ended->add({.payload = payload});
    {
        JobsUnderWay::Ticket ticket(under_way);
        ticket.set(ended);
        const JobsUnderWay::Ticket moved(std::move(ticket));

        EXPECT_TRUE(under_way.find(id));
        EXPECT_FALSE(under_way.find(make_uuid()));
    }
    EXPECT_FALSE(under_way.find(id));
    JobsUnderWay::Ticket again(under_way);
    again.set(ended);
    again.end();
    EXPECT_FALSE(under_way.find(id));
}

}  // namespace
}  // namespace tranter::providers
