#include "providers/forwarder.hpp"

#include "jobs/test_provider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::providers {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view some_id = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10";

std::shared_ptr<Provider> new_memory() {
    return open_provider("memory:").value();
}

/// Passes jobs on until it is told to be away, and says when it was asked.
class FickleTarget final : public NoProvider {
  public:
    explicit FickleTarget(std::shared_ptr<Provider> behind) : behind_(std::move(behind)) {
        can = behind_->capabilities();
    }

    std::vector<Result<Enqueued>> enqueue_each(std::string_view queue, std::span<const NewJob> jobs)
        override {
        const std::lock_guard lock(mutex_);
        ++calls_;
        called_.notify_all();
        if (loses_answers_ || !away_) {
            auto answers = behind_->enqueue_each(queue, jobs);
            if (!loses_answers_) return answers;
        }
        return {
            jobs.size(),
            Result<Enqueued>(std::unexpected(Error(Errc::unavailable, "the target is away")))};
    }

    void set_away(bool away) {
        const std::lock_guard lock(mutex_);
        away_ = away;
    }
    /// It takes jobs and nobody hears of it.
    void set_loses_answers(bool loses) {
        const std::lock_guard lock(mutex_);
        loses_answers_ = loses;
    }
    void wait_for_calls(int calls) {
        std::unique_lock lock(mutex_);
        called_.wait(lock, [&] { return calls_ >= calls; });
    }

  private:
    const std::shared_ptr<Provider> behind_;
    std::mutex mutex_;
    std::condition_variable called_;
    bool away_ = false;
    bool loses_answers_ = false;
    int calls_ = 0;
};

/// Its disk is full, or it does not know us any more: it hands nothing out, or keeps no outcome.
class FullSource final : public NoProvider {
  public:
    FullSource(std::shared_ptr<Provider> behind, bool hands_out, Errc why)
        : behind_(std::move(behind)), hands_out_(hands_out), why_(why) {
        can = behind_->capabilities();
    }

    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override {
        if (!hands_out_) return fail(why_, "no space left");
        return behind_->receive(request);
    }
    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement> settlements)
        override {
        return std::vector<Result<>>(settlements.size(), fail(why_, "no space left"));
    }

  private:
    const std::shared_ptr<Provider> behind_;
    const bool hands_out_;
    const Errc why_;
};

class ForwarderTest : public testing::Test {
  public:
    ForwarderTest() = default;
    ~ForwarderTest() override = default;
    ForwarderTest(const ForwarderTest&) = delete;
    ForwarderTest& operator=(const ForwarderTest&) = delete;

    void put(const NewJob& job) { ASSERT_TRUE(from_->enqueue("mail", {&job, 1}).has_value()); }
    std::string put_new(std::string type) {
        const NewJob job{.type = std::move(type)};
        return from_->enqueue("mail", {&job, 1}).value().front().id;
    }
    /// Until nothing is due.
    jobs::ForwardingFigures forward_all(ForwarderOptions options = {}) {
        options.queue = "mail";
        options.to_queue = "sent";
        options.until_empty = true;
        Forwarder forwarder(from_, target_, options);
        EXPECT_TRUE(forwarder.run({}).has_value());
        return forwarder.figures();
    }

  protected:
    const std::shared_ptr<Provider> from_ = new_memory();
    const std::shared_ptr<Provider> to_ = new_memory();
    const std::shared_ptr<FickleTarget> target_ = std::make_shared<FickleTarget>(to_);
};

TEST_F(ForwarderTest, JobsComeWithTheirIdsPayloadsAndOptions) {
    NewJob job{.id = std::string(some_id), .type = "welcome", .payload = R"({"a":1})"};
    job.options.group = "acme";
    job.options.tags = {"x=y"};
    job.options.priority = 2;
    job.options.timeout = 5s;
    put(job);

    const auto figures = forward_all();

    EXPECT_EQ(figures.forwarded, 1U);
    const JobRecord there = to_->find(some_id).value();
    EXPECT_EQ(there.queue, "sent");
    EXPECT_EQ(there.type, "welcome");
    EXPECT_EQ(there.payload, R"({"a":1})");
    EXPECT_EQ(there.options, job.options);
    EXPECT_EQ(from_->find(some_id).value().state, JobState::completed);
}

TEST_F(ForwarderTest, ATtlGoesOnFromTheFirstEnqueue) {
    NewJob job{.id = std::string(some_id), .type = "welcome"};
    job.options.ttl = 1h;
    put(job);
    const TimePoint created = from_->find(some_id).value().created_at;

    forward_all();

    const JobOptions options = to_->find(some_id).value().options;
    EXPECT_EQ(options.ttl, 0ms);
    EXPECT_EQ(options.deadline, created + 1h);
}

TEST_F(ForwarderTest, OptionsCanBeLeftBehind) {
    NewJob job{.id = std::string(some_id), .type = "welcome"};
    job.options.priority = 1;
    job.options.dedup = Dedup{.key = "k"};
    put(job);

    forward_all({.without_dedup = true, .without_priority = true});

    const JobOptions options = to_->find(some_id).value().options;
    EXPECT_EQ(options.priority, priority_default);
    EXPECT_FALSE(options.dedup.has_value());
}

TEST_F(ForwarderTest, WhatTheTargetHasAlreadyIsNotThereTwice) {
    const std::string first = put_new("first");
    const std::string second = put_new("second");
    const NewJob there{.id = first, .type = "first"};
    ASSERT_TRUE(to_->enqueue("sent", {&there, 1}).has_value());

    const auto figures = forward_all();

    EXPECT_EQ(figures.forwarded, 2U);
    EXPECT_EQ(figures.duplicates, 1U);
    EXPECT_EQ(to_->stats("sent").value().pending, 2U);
    EXPECT_TRUE(to_->find(second).has_value());
}

TEST_F(ForwarderTest, AJobThatTheTargetRefusesDoesNotKeepOthers) {
    ASSERT_TRUE(to_->set_limits("sent", {.max_queued_per_group = 1}).has_value());
    for (int i = 0; i < 2; ++i) {
        NewJob job{.type = "grouped"};
        job.options.group = "acme";
        put(job);
    }
    const std::string other = put_new("other");

    const auto figures = forward_all();

    EXPECT_EQ(figures.forwarded, 2U);
    EXPECT_EQ(figures.failed, 1U);
    EXPECT_TRUE(to_->find(other).has_value());
    const JobPage left = from_->list({.filter = "state:failed"}).value();
    ASSERT_EQ(left.jobs.size(), 1U);
    ASSERT_EQ(left.jobs[0].failures.size(), 1U);
    EXPECT_EQ(left.jobs[0].failures[0].type, "forward_refused");
    EXPECT_THAT(left.jobs[0].failures[0].text, HasSubstr("max_queued_per_group"));
}

TEST_F(ForwarderTest, WhatCanNeverBeTakenIsDeadWithTheReason) {
    const std::string id = put_new("welcome");
    Forwarder forwarder(
        from_, to_, {.queue = "mail", .to_queue = "no such name", .until_empty = true}
    );

    ASSERT_TRUE(forwarder.run({}).has_value());

    EXPECT_EQ(forwarder.figures().refused, 1U);
    const JobRecord dead = from_->find(id).value();
    EXPECT_EQ(dead.state, JobState::dead);
    EXPECT_THAT(dead.reason, HasSubstr("no such name"));
}

TEST_F(ForwarderTest, JobsAreHeldWhileTheTargetIsAway) {
    put_new("welcome");
    target_->set_away(true);
    Forwarder forwarder(from_, target_, {.queue = "mail", .to_queue = "sent", .until_empty = true});
    std::jthread running([&](const std::stop_token& stop) {
        EXPECT_TRUE(forwarder.run(stop).has_value());
    });
    target_->wait_for_calls(3);
    EXPECT_FALSE(forwarder.figures().target_answers);
    EXPECT_EQ(from_->stats("mail").value().processing, 1U);

    target_->set_away(false);
    running.join();

    EXPECT_TRUE(forwarder.figures().target_answers);
    EXPECT_EQ(forwarder.figures().forwarded, 1U);
    EXPECT_EQ(to_->stats("sent").value().pending, 1U);
}

TEST_F(ForwarderTest, AtAStopWhatTheTargetDoesNotTakeIsGivenBack) {
    const std::string id = put_new("welcome");
    target_->set_away(true);
    Forwarder forwarder(from_, target_, {.queue = "mail", .to_queue = "sent"});
    std::jthread running([&](const std::stop_token& stop) {
        EXPECT_TRUE(forwarder.run(stop).has_value());
    });
    target_->wait_for_calls(1);

    running.request_stop();
    running.join();

    EXPECT_EQ(forwarder.figures().released, 1U);
    const JobRecord left = from_->find(id).value();
    EXPECT_EQ(left.state, JobState::pending);
    EXPECT_EQ(left.attempt, 0U);
}

TEST_F(ForwarderTest, AnAnswerThatIsLostMakesNoSecondJob) {
    put_new("welcome");
    target_->set_loses_answers(true);
    Forwarder forwarder(from_, target_, {.queue = "mail", .to_queue = "sent", .until_empty = true});
    std::jthread running([&](const std::stop_token& stop) {
        EXPECT_TRUE(forwarder.run(stop).has_value());
    });
    target_->wait_for_calls(2);

    target_->set_loses_answers(false);
    running.join();

    EXPECT_EQ(forwarder.figures().forwarded, 1U);
    EXPECT_EQ(forwarder.figures().duplicates, 1U);
    EXPECT_EQ(to_->stats("sent").value().pending, 1U);
}

TEST_F(ForwarderTest, UntilEmptyEndsWithTheReasonWhenTheTargetTakesNothing) {
    put_new("welcome");
    target_->set_away(true);
    Forwarder forwarder(from_, target_, {.queue = "mail", .lease = 1s, .until_empty = true});

    const auto done = forwarder.run({});

    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Errc::unavailable);
    EXPECT_THAT(done.error().message(), HasSubstr("the target is away"));
    EXPECT_EQ(forwarder.figures().forwarded, 0U);
    EXPECT_EQ(from_->stats("mail").value().processing, 0U);
}

TEST_F(ForwarderTest, UntilEmptyEndsWithTheReasonWhenTheSourceIsFullOrClosedToUs) {
    put_new("welcome");
    constexpr std::array<std::pair<bool, Errc>, 3> cases{
        {{false, Errc::unavailable}, {true, Errc::unavailable}, {true, Errc::unauthenticated}}};
    for (const auto& [hands_out, why] : cases) {
        const auto full = std::make_shared<FullSource>(from_, hands_out, why);
        Forwarder forwarder(full, to_, {.queue = "mail", .lease = 1s, .until_empty = true});

        const auto done = forwarder.run({});

        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code(), Errc::unavailable);
        EXPECT_THAT(done.error().message(), HasSubstr("no space left"));
    }
}

TEST_F(ForwarderTest, AQueueThatIsNotThereIsEmpty) {
    const auto figures = forward_all();

    EXPECT_EQ(figures.forwarded, 0U);
    EXPECT_TRUE(figures.source_answers);
}

}  // namespace
}  // namespace tranter::providers
