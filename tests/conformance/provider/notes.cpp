// What a running job leaves behind: progress, log, steps.
#include "fixture.hpp"

#include <fmt/format.h>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NotesTest : public ProviderTest {
  public:
    Result<> set_progress(const ReceivedJob& job, std::string_view json) {
        return store().set_progress(job.queue, job.receipt, json);
    }
    Result<> append_log(const ReceivedJob& job, std::vector<std::string> lines) {
        return store().append_log(job.queue, job.receipt, lines);
    }
    Result<> save_step(const ReceivedJob& job, std::string name, std::string result) {
        const Step step{.name = std::move(name), .result = std::move(result)};
        return store().save_step(job.queue, job.receipt, step);
    }
    LogPage log_of(const std::string& id) { return must(store().log_of(id)); }
};
TRANTER_FOR_ALL_STORES(NotesTest);

TEST_P(NotesTest, TheLastProgressCounts) {
    TRANTER_NEEDS(progress);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    EXPECT_EQ(find(id).progress, "");

    must(set_progress(got, "1"));
    must(set_progress(got, R"({"done":40,"of":100})"));

    EXPECT_EQ(find(id).progress, R"({"done":40,"of":100})");
    complete(got);
    if (can().history) {
        EXPECT_EQ(finished(id).progress, R"({"done":40,"of":100})");
    }
}

TEST_P(NotesTest, ProgressIsJsonOfLimitedLength) {
    TRANTER_NEEDS(progress);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    const std::string longest = '"' + std::string(progress_bytes_max - 2, 'p') + '"';

    must(set_progress(got, longest));

    EXPECT_EQ(find(id).progress, longest);
    EXPECT_EQ(
        code_of(set_progress(got, '"' + std::string(progress_bytes_max, 'p') + '"')),
        Errc::invalid_argument
    );
    EXPECT_EQ(code_of(set_progress(got, "{")), Errc::invalid_argument);
    EXPECT_EQ(code_of(set_progress(got, "")), Errc::invalid_argument);
    EXPECT_EQ(find(id).progress, longest);
}

TEST_P(NotesTest, LogLinesStayInOrder) {
    TRANTER_NEEDS(progress);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    EXPECT_THAT(log_of(id).lines, IsEmpty());

    must(append_log(got, {"one", "two"}));
    must(append_log(got, {}));
    must(append_log(got, {"", "caf\xC3\xA9 \xF0\x9F\x9A\x9A", "tab\tquote\""}));

    const LogPage page = log_of(id);
    EXPECT_THAT(
        page.lines, ElementsAre("one", "two", "", "caf\xC3\xA9 \xF0\x9F\x9A\x9A", "tab\tquote\"")
    );
    EXPECT_EQ(page.dropped, 0U);
}

TEST_P(NotesTest, TheLogGoesOnInTheNextAttemptAndStaysWhenItIsOver) {
    TRANTER_NEEDS(progress);
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    ReceivedJob got = take();
    must(append_log(got, {"first"}));
    must(settle(got, Failed{.type = "E", .text = "e"}));
    got = take();
    must(append_log(got, {"second"}));
    EXPECT_THAT(log_of(id).lines, ElementsAre("first", "second"));

    complete(got);

    if (!can().history) return;
    finished(id);
    EXPECT_THAT(log_of(id).lines, ElementsAre("first", "second"));
}

TEST_P(NotesTest, OldLinesOfALongLogGoAndAreCounted) {
    TRANTER_NEEDS(progress);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    int number = 0;
    for (int i = 0; i < 12; ++i) {
        std::vector<std::string> lines;
        for (int k = 0; k < 1'000; ++k)
            lines.push_back(fmt::format("line {}", number++));
        must(append_log(got, std::move(lines)));
    }

    const LogPage page = log_of(id);

    EXPECT_EQ(page.lines.size(), 10'000U);
    EXPECT_EQ(page.dropped, 2'000U);
    EXPECT_EQ(page.lines.front(), "line 2000");
    EXPECT_EQ(page.lines.back(), "line 11999");
}

TEST_P(NotesTest, ALogOfLongLinesKeepsAMebibyte) {
    TRANTER_NEEDS(progress);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    for (int i = 0; i < 20; ++i)
        must(append_log(got, {std::string(100'000, static_cast<char>('a' + i))}));

    const LogPage page = log_of(id);

    EXPECT_EQ(page.lines.size() + page.dropped, 20U);
    EXPECT_GE(page.lines.size(), 9U);
    EXPECT_LE(page.lines.size(), 10U);
    EXPECT_EQ(page.lines.back(), std::string(100'000, 't'));
}

TEST_P(NotesTest, StepsAreThereInLaterAttempts) {
    TRANTER_NEEDS(steps);
    enqueue(job("1", {.retry = at_once()}));
    ReceivedJob got = take();
    must(save_step(got, "charge", R"({"receipt":7})"));
    must(save_step(got, "mail", "null"));
    must(settle(got, Failed{.type = "E", .text = "e"}));

    got = take();
    ASSERT_EQ(got.steps.size(), 2U);
    EXPECT_EQ(got.steps.at(0).name, "charge");
    EXPECT_EQ(got.steps.at(0).result, R"({"receipt":7})");
    EXPECT_EQ(got.steps.at(1).name, "mail");
    EXPECT_EQ(got.steps.at(1).result, "null");

    must(save_step(got, "last", "3"));
    must(settle(got, Released{}));
    EXPECT_EQ(take().steps.size(), 3U);
}

TEST_P(NotesTest, StepsOutliveALeaseThatEnded) {
    TRANTER_NEEDS(steps);
    enqueue(job("1", {.retry = at_once()}));
    must(save_step(take(seconds(1)), "charge", "7"));

    const ReceivedJob again = take();

    EXPECT_EQ(again.attempt, 2U);
    ASSERT_EQ(again.steps.size(), 1U);
    EXPECT_EQ(again.steps.front().result, "7");
}

TEST_P(NotesTest, AStepSavedAgainIsReplaced) {
    TRANTER_NEEDS(steps);
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob got = take();
    must(save_step(got, "s", "1"));

    must(save_step(got, "s", "2"));

    must(settle(got, Released{}));
    const ReceivedJob again = take();
    ASSERT_EQ(again.steps.size(), 1U);
    EXPECT_EQ(again.steps.front().result, "2");
}

TEST_P(NotesTest, StepsAreJsonOfLimitedLength) {
    TRANTER_NEEDS(steps);
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob got = take();
    const std::string half = '"' + std::string(step_bytes_max / 2, 's') + '"';

    EXPECT_EQ(code_of(save_step(got, "s", "{")), Errc::invalid_argument);
    EXPECT_EQ(code_of(save_step(got, "", "1")), Errc::invalid_argument);
    must(save_step(got, "first half", half));
    const auto too_much = save_step(got, "second half", half);

    EXPECT_THAT(code_of(too_much), testing::AnyOf(Errc::limit_exceeded, Errc::invalid_argument))
        << message_of(too_much);
    must(settle(got, Released{}));
    const ReceivedJob again = take();
    ASSERT_EQ(again.steps.size(), 1U);
    EXPECT_EQ(again.steps.front().result, half);
}

TEST_P(NotesTest, NotesDoNotTouchPayloadAndOptions) {
    TRANTER_NEEDS(progress);
    TRANTER_NEEDS(steps);
    const JobOptions options{.retry = at_once(), .tags = {"a"}};
    const std::string id = enqueue(job(R"({"x":1})", options));
    ReceivedJob got = take();

    must(set_progress(got, "5"));
    must(append_log(got, {"l"}));
    must(save_step(got, "s", "1"));
    must(settle(got, Failed{.type = "E", .text = "e"}));

    got = take();
    EXPECT_EQ(got.payload, R"({"x":1})");
    EXPECT_EQ(got.options, options);
    const JobRecord record = find(id);
    EXPECT_EQ(record.payload, R"({"x":1})");
    EXPECT_EQ(record.options, options);
    EXPECT_EQ(record.progress, "5");
    ASSERT_EQ(record.failures.size(), 1U);
}

}  // namespace
}  // namespace tranter::conformance
