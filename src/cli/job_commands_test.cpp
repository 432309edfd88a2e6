#include "cli/job_commands.hpp"

#include "cli/exit_code.hpp"
#include "cli/job_bulk.hpp"
#include "cli/job_command.hpp"
#include "cli/queue_flow.hpp"
#include "cli/terminal.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

using JobAction = Result<int> (*)(JobSession&, const Arguments&);

/// What came of a command: its exit status, or the error, and what it printed.
struct Ran {
    int status = 0;
    Errc error{};
    std::string text{};  // of the error
    std::string out{};

    std::vector<Json> lines() const {
        std::vector<Json> records;
        std::string_view rest = out;
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            records.push_back(Json::parse(rest.substr(0, end)).value_or(Json()));
            rest.remove_prefix(end + 1);
        }
        return records;
    }
};

/// Commands over a store in memory that lives as long as the test.
class JobCommandsTest : public testing::Test {
  public:
    JobCommandsTest() : store_(open_provider("memory:").value()) {}
    ~JobCommandsTest() override = default;
    JobCommandsTest(const JobCommandsTest&) = delete;
    JobCommandsTest& operator=(const JobCommandsTest&) = delete;

  protected:
    Provider& store() { return *store_; }
    std::shared_ptr<Provider> shared_store() { return store_; }

    Ran run(std::vector<std::string> words, Format format = Format::ndjson) {
        const std::map<std::string, JobAction, std::less<>> runs{
            {"enqueue", enqueue_job},
            {"show", show_jobs},
            {"wait", wait_for_jobs},
            {"logs", show_job_log},
            {"list", list_jobs},
            {"cancel", cancel_jobs},
            {"retry", retry_jobs},
            {"promote", promote_jobs},
            {"pause", pause_queues},
            {"resume", resume_queues},
            {"limits", limit_queue},
        };
        const Command tree = commands();
        const JobAction action = runs.at(words.front());
        const auto invocation = parse_command_line(tree, std::move(words));
        if (!invocation) return failed(invocation.error());

        const int fd = ::open("/tmp", O_TMPFILE | O_RDWR, 0600);
        JobSession session(store_, {.output = {.format = format, .fd = fd}});
        const auto status = action(session, invocation->arguments);
        ::lseek(fd, 0, SEEK_SET);
        Ran ran = status ? Ran{.status = *status} : failed(status.error());
        ran.out = read_all(fd, "the test file");
        ::close(fd);
        return ran;
    }

    std::string enqueue(std::vector<std::string> more = {}) {
        std::vector<std::string> words{"enqueue", "mail", "email.welcome"};
        words.insert(words.end(), more.begin(), more.end());
        const Ran ran = run(std::move(words), Format::name);
        EXPECT_EQ(ran.status, 0) << ran.text;
        return ran.out.substr(0, ran.out.find('\n'));
    }

    /// Hands the next job to a worker, which says `outcome`.
    void work(AttemptOutcome outcome) {
        auto jobs = store_->receive({.queue = "mail"}).value();
        ASSERT_EQ(jobs.size(), 1U);
        const Settlement settlement{jobs.front().receipt, std::move(outcome)};
        ASSERT_TRUE(store_->settle("mail", std::span(&settlement, 1)).value().front());
    }

    JobState state_of(const std::string& id) { return store_->find(id).value().state; }

  private:
    std::shared_ptr<Provider> store_;

    static Command commands() {
        Command tree = job_command();
        tree.commands.push_back(queue_pause_command());
        tree.commands.push_back(queue_resume_command());
        tree.commands.push_back(queue_limits_command());
        return tree;
    }

    static Ran failed(const Error& error) {
        return {
            .status = static_cast<int>(exit_code(error.code())),
            .error = error.code(),
            .text = error.message()};
    }
};

TEST_F(JobCommandsTest, AJobIsEnqueuedWithItsOptionsAndShown) {
    const std::string id = enqueue({R"({ "n": 1.0 })", "--delay", "1h", "--priority", "1"});

    const Ran shown = run({"show", id});

    const Json record = shown.lines().at(0);
    EXPECT_EQ(record["id"].text(), id);
    EXPECT_EQ(record["state"].text(), "scheduled");
    EXPECT_NE(shown.out.find(R"("payload":{"n":1.0})"), std::string::npos) << shown.out;
    EXPECT_EQ(record["priority"].number(), 1);
}

TEST_F(JobCommandsTest, ADuplicateNamesTheJobThatIsThere) {
    const std::string id = enqueue({"--dedup", "k"});

    const Ran again = run({"enqueue", "mail", "email.welcome", "--dedup", "k"});

    EXPECT_EQ(again.out, R"({"id":")" + id + R"(","duplicate_of":")" + id + "\"}\n");
}

TEST_F(JobCommandsTest, WhatCannotBeEnqueuedIsUsage) {
    EXPECT_NE(
        run({"enqueue", "mail", "t", "hello"}).text.find("expected JSON like"), std::string::npos
    );
    EXPECT_NE(run({"enqueue", "mail", "a b"}).text.find("type is \"a b\""), std::string::npos);
    EXPECT_NE(run({"enqueue", "mail"}).text.find("TYPE is missing"), std::string::npos);
    EXPECT_NE(run({"enqueue", "mail", "t", "--rate", "5"}).text.find("--bulk"), std::string::npos);
    EXPECT_NE(
        run({"enqueue", "mail", "t", "@/nonexistent"}).text.find("'/nonexistent'"),
        std::string::npos
    );
    EXPECT_EQ(run({"enqueue", "mail", "t", "\xff"}).error, Errc::invalid_argument);
    EXPECT_EQ(run({"list"}).out, "");
}

TEST_F(JobCommandsTest, WaitingPrintsTheResultAndTellsHowItEnded) {
    const std::string done = enqueue();
    work(Completed{.result = R"({"sent":true})"});
    const std::string dead = enqueue();
    work(Dead{.type = "dead", .reason = "no such user"});

    const Ran waited = run({"wait", done});
    EXPECT_EQ(waited.status, 0);
    EXPECT_EQ(waited.lines().at(0)["result"].dump(), R"({"sent":true})");

    const Ran both = run({"wait", done, dead, "--timeout", "1s"});
    EXPECT_EQ(both.status, static_cast<int>(ExitCode::failed));
    EXPECT_EQ(both.lines().at(1)["error"].text(), "no such user");
}

TEST_F(JobCommandsTest, AJobThatIsNotFinishedInTimeIsATimeout) {
    EXPECT_EQ(run({"wait", enqueue(), "--timeout", "0s"}).error, Errc::timed_out);
    const Ran waited = run({"enqueue", "mail", "t", "--wait", "1ms"});
    EXPECT_EQ(waited.error, Errc::timed_out);
    EXPECT_TRUE(waited.text.starts_with("job ")) << waited.text;
}

TEST_F(JobCommandsTest, ListsFindWhatFitsAndSayWhereToGoOn) {
    for (int i = 0; i < 3; ++i) {
        enqueue({"--tag", "a"});
    }
    const std::string other = enqueue({"--tag", "b"});

    EXPECT_EQ(run({"list"}).lines().size(), 4U);
    EXPECT_EQ(run({"list", "--tag", "b"}, Format::name).out, other + "\n");
    EXPECT_EQ(run({"list", "--state", "dead"}).out, "");

    testing::internal::CaptureStderr();
    const Ran page = run({"list", "--limit", "3"});
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(page.lines().size(), 3U);
    const std::string marker = "--cursor ";
    ASSERT_NE(said.find(marker), std::string::npos) << said;
    const std::string cursor = said.substr(said.find(marker) + marker.size());
    const Ran rest = run({"list", "--cursor", cursor.substr(0, cursor.find('\n'))});
    EXPECT_EQ(rest.lines().size(), 1U);
}

TEST_F(JobCommandsTest, AFilterThatIsNoneIsUsage) {
    EXPECT_EQ(run({"list", "--filter", "stat:dead"}).error, Errc::invalid_argument);
    EXPECT_EQ(run({"list", "--since", "5"}).error, Errc::invalid_argument);
}

TEST_F(JobCommandsTest, OneJobIsCancelledPromotedAndRetried) {
    const std::string id = enqueue({"--delay", "1h"});

    EXPECT_EQ(run({"promote", id}).out, R"({"id":")" + id + "\",\"result\":\"promoted\"}\n");
    EXPECT_EQ(state_of(id), JobState::pending);
    EXPECT_EQ(run({"cancel", id}).out, R"({"id":")" + id + "\",\"result\":\"cancelled\"}\n");
    EXPECT_EQ(state_of(id), JobState::cancelled);
    EXPECT_EQ(run({"retry", id}).out, R"({"id":")" + id + "\",\"result\":\"retried\"}\n");
    EXPECT_EQ(state_of(id), JobState::pending);
}

TEST_F(JobCommandsTest, WhatDoesNotFitIsAConflictAndBesideOthersPartial) {
    const std::string pending = enqueue();
    const std::string scheduled = enqueue({"--delay", "1h"});
    testing::internal::CaptureStderr();

    const Ran alone = run({"promote", pending});
    const Ran both = run({"promote", pending, scheduled});
    const Ran nobody = run({"promote", "7b0c4b1e-0000-4000-8000-000000000001"});

    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(alone.status, static_cast<int>(ExitCode::conflict));
    EXPECT_EQ(alone.out, "");
    EXPECT_EQ(both.status, static_cast<int>(ExitCode::partial));
    EXPECT_EQ(both.lines().size(), 1U);
    EXPECT_EQ(nobody.status, static_cast<int>(ExitCode::not_found));
    EXPECT_NE(said.find("tranter: job " + pending + ": "), std::string::npos) << said;
}

TEST_F(JobCommandsTest, ManyAreChangedByAFilterOnceThatIsConfirmed) {
    for (int i = 0; i < 3; ++i) {
        enqueue({"--group", "acme"});
    }
    const std::string other = enqueue();

    const Ran dry = run({"cancel", "--group", "acme", "--dry-run"});
    EXPECT_EQ(dry.lines().size(), 3U);
    EXPECT_EQ(dry.lines().at(0)["result"].text(), "would cancel");
    EXPECT_EQ(run({"list", "--state", "pending"}).lines().size(), 4U);

    const Ran cancelled = run({"cancel", "--group", "acme", "--yes"});
    EXPECT_EQ(cancelled.status, 0);
    EXPECT_EQ(cancelled.lines().size(), 3U);
    EXPECT_EQ(run({"list", "--state", "pending"}, Format::name).out, other + "\n");
}

TEST_F(JobCommandsTest, RetryingByAFilterLeavesOutWhatCompleted) {
    enqueue();
    work(Completed{});
    const std::string dead = enqueue();
    work(Dead{.type = "dead", .reason = "no"});

    const Ran retried = run({"retry", "--queue", "mail", "--yes"});

    ASSERT_EQ(retried.lines().size(), 1U);
    EXPECT_EQ(retried.lines().at(0)["id"].text(), dead);
    EXPECT_EQ(state_of(dead), JobState::pending);
}

TEST_F(JobCommandsTest, NoJobsAreNotAllJobs) {
    EXPECT_NE(run({"cancel"}).text.find("no jobs are named"), std::string::npos);
    const std::string id = enqueue();
    EXPECT_NE(run({"cancel", id, "--queue", "mail"}).text.find("expected one"), std::string::npos);
    EXPECT_EQ(state_of(id), JobState::pending);
}

TEST_F(JobCommandsTest, LogsAreTextUnlessJsonIsAskedFor) {
    const std::string id = enqueue();
    auto job = store().receive({.queue = "mail"}).value().at(0);
    const std::array<std::string, 2> lines{"one", "two\x1b"};
    ASSERT_TRUE(store().append_log("mail", job.receipt, lines));
    const Settlement settlement{job.receipt, Completed{}};
    ASSERT_TRUE(store().settle("mail", std::span(&settlement, 1)));

    EXPECT_EQ(run({"logs", id, "--follow"}).out, "one\ntwo\\x1b\n");
    EXPECT_EQ(
        run({"logs", id, "-o", "ndjson"}).out, "{\"line\":\"one\"}\n{\"line\":\"two\\u001b\"}\n"
    );
}

TEST_F(JobCommandsTest, QueuesArePausedResumedAndLimited) {
    EXPECT_EQ(run({"pause", "mail"}).out, "{\"queue\":\"mail\",\"paused\":true}\n");
    EXPECT_TRUE(store().stats("mail").value().paused);
    run({"resume", "mail"});
    EXPECT_FALSE(store().stats("mail").value().paused);

    run({"limits", "mail", "--max-in-flight", "7"});
    const Ran limited = run({"limits", "mail", "--max-queued-per-group", "5", "--fair", "false"});
    const QueueLimits expected{.max_in_flight = 7, .max_queued_per_group = 5, .fair = false};
    EXPECT_EQ(store().stats("mail").value().limits, expected);
    EXPECT_EQ(limited.lines().at(0)["limits"]["max_queued_per_group"].number(), 5);
    EXPECT_EQ(run({"limits", "other"}).error, Errc::not_found);
    EXPECT_NE(run({"limits", "--fair", "true"}).text.find("QUEUE is missing"), std::string::npos);
    EXPECT_EQ(run({"limits"}, Format::name).out, "mail\nmail-dlq\n");
}

TEST_F(JobCommandsTest, ABatchThatIsRefusedIsTakenApartUntilTheLineIsKnown) {
    ASSERT_TRUE(store().set_limits("mail", {.max_queued_per_group = 1}));
    testing::internal::CaptureStderr();
    JobSession session(shared_store(), {});
    BulkEnqueue bulk(session, "mail", Pace(std::nullopt));
    for (std::uint64_t line = 1; line <= 5; ++line) {
        NewJob job{.type = "t"};
        job.options.group = line == 3 ? "a" : std::to_string(line % 3);
        ASSERT_TRUE(bulk.add(line, std::move(job)));
    }

    ASSERT_TRUE(bulk.flush());

    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(bulk.enqueued(), 3U);
    EXPECT_EQ(bulk.refusals().count(), 2U);
    EXPECT_NE(said.find("tranter: line 4: "), std::string::npos) << said;
    EXPECT_NE(said.find("tranter: line 5: "), std::string::npos) << said;
}

}  // namespace
}  // namespace tranter::cli
