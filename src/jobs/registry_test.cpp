#include <tranter/registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct Greet {
    std::string name = "you";
    static constexpr std::string_view kind = "greet";
    static constexpr JobDefaults defaults{.queue = "mail"};
};

struct Answer {
    std::string text{};
};

class Host final : public ContextHost {
  public:
    StopReason stop_reason() const override { return StopReason::none; }
    void log(std::string line) override { lines.push_back(std::move(line)); }
    void set_progress(std::string json) override { progress = std::move(json); }
    std::optional<std::string> find_step(std::string_view name) override {
        for (const Step& step : steps) {
            if (step.name == name) return step.result;
        }
        return std::nullopt;
    }
    Result<> save_step(Step step) override {
        if (!can_save) return fail(Errc::conflict, "the lease is lost");
        steps.push_back(std::move(step));
        return {};
    }

    std::vector<std::string> lines;
    std::string progress;
    std::vector<Step> steps;
    bool can_save = true;
};

class RegistryTest : public testing::Test {
  public:
    ~RegistryTest() override = default;

  protected:
    AttemptOutcome run(const std::string& type, std::string payload = "{}") {
        job_.type = type;
        job_.payload = std::move(payload);
        const auto* entry = handlers_.find(type);
        if (entry == nullptr) return Dead{.reason = "no handler"};
        Context context(job_, 1, {}, host_);
        return handlers_.run(*entry, context);
    }
    std::string result(const std::string& type, std::string payload = "{}") {
        const AttemptOutcome outcome = run(type, std::move(payload));
        const auto* completed = std::get_if<Completed>(&outcome);
        return completed == nullptr ? "not completed" : completed->result;
    }

    Registry handlers_;
    ReceivedJob job_;
    Host host_;
};

Answer greet(Context& context, const Greet& job) {
    context.log("greeting {}", job.name);
    return {.text = "hello " + job.name};
}

struct Greeter {
    int calls = 0;
    std::string operator()(const Greet& job) { return job.name + std::to_string(++calls); }
};

TEST_F(RegistryTest, AFunctionGetsTheStructAndReturnsTheResult) {
    handlers_.on<Greet>(greet);

    EXPECT_EQ(result("greet", R"({"name":"ann"})"), R"({"text":"hello ann"})");
    EXPECT_THAT(host_.lines, ElementsAre("greeting ann"));
}

TEST_F(RegistryTest, AnObjectKeepsItsStateAndCopiesOfTheRegistryShareIt) {
    handlers_.on<Greet>(Greeter{});
    const Registry copy = handlers_;

    EXPECT_EQ(result("greet"), R"("you1")");
    handlers_ = copy;
    EXPECT_EQ(result("greet"), R"("you2")");
}

TEST_F(RegistryTest, HandlersTakeWhatTheyNeedAndReturnWhatTheyLike) {
    handlers_.on("nothing", [](Context&) {});
    handlers_.on("json", [](const Json& payload) { return payload; });
    handlers_.on("both", [](Context& context, const Json&) { return context.payload().size(); });
    handlers_.on("early", [](Context&) { return snooze(5s); });
    handlers_.on("outcome", [](Context&) -> Outcome<int> { return 7; });
    handlers_.on("nothing_early", [](Context&) -> Outcome<> { return {}; });
    handlers_.on("result", [](Context&) -> Result<int> { return 8; });
    handlers_.on("raw", [](Context&) -> AttemptOutcome { return Completed{"[1]"}; });
    handlers_.on("owner", [own = std::make_unique<int>(3)](Context&) { return *own; });

    EXPECT_EQ(result("nothing"), "");
    EXPECT_EQ(result("json", R"({"a":1.50})"), R"({"a":1.50})");
    EXPECT_EQ(result("both"), "2");
    EXPECT_EQ(std::get<Snoozed>(run("early")).after, 5s);
    EXPECT_EQ(result("outcome"), "7");
    EXPECT_EQ(result("nothing_early"), "");
    EXPECT_EQ(result("result"), "8");
    EXPECT_EQ(result("raw"), "[1]");
    EXPECT_EQ(result("owner"), "3");
}

TEST_F(RegistryTest, OutcomesSayWhyThereIsNoResult) {
    handlers_.on("dead", [](Context&) -> Outcome<Answer> { return dead("locale is missing"); });
    handlers_.on("retry", [](Context&) -> Outcome<Answer> { return retry(5min, "full"); });
    handlers_.on("policy", [](Context&) -> Outcome<> { return retry("full"); });
    handlers_.on("cancelled", [](Context&) -> Outcome<Answer> { return cancelled(); });
    handlers_.on("error", [](Context&) -> Result<int> { return fail(Errc::timed_out, "slow"); });

    EXPECT_EQ(std::get<Dead>(run("dead")).reason, "locale is missing");
    EXPECT_EQ(std::get<Failed>(run("retry")).retry_after, 5min);
    EXPECT_EQ(std::get<Failed>(run("retry")).text, "full");
    EXPECT_EQ(std::get<Failed>(run("policy")).retry_after, std::nullopt);
    EXPECT_TRUE(std::holds_alternative<Stopped>(run("cancelled")));
    EXPECT_EQ(std::get<Failed>(run("error")).type, "timed_out");
    EXPECT_EQ(std::get<Failed>(run("error")).text, "slow");
}

TEST_F(RegistryTest, APayloadThatDoesNotFitLeavesTheJobDeadWithThePath) {
    handlers_.on<Greet>(greet);

    const auto outcome = run("greet", R"({"name":7})");

    EXPECT_EQ(std::get<Dead>(outcome).type, "payload");
    EXPECT_EQ(std::get<Dead>(outcome).reason, "payload: $.name: expected string, got 7");
    EXPECT_TRUE(host_.lines.empty());
}

TEST_F(RegistryTest, AResultThatCannotBeKeptLeavesTheJobDead) {
    handlers_.on("text", [](Context&) { return std::string("\xff"); });
    handlers_.on("large", [](Context&) { return std::string(result_bytes_max, 'x'); });
    handlers_.on("fits", [](Context&) { return std::string(result_bytes_max - 2, 'x'); });

    EXPECT_THAT(std::get<Dead>(run("text")).reason, HasSubstr("the result cannot be kept: $"));
    EXPECT_EQ(
        std::get<Dead>(run("large")).reason,
        "the result cannot be kept: it is 262146 bytes, limit is 262144"
    );
    EXPECT_EQ(result("fits").size(), result_bytes_max);
}

TEST_F(RegistryTest, OtherTypesGoToTheOneForThem) {
    handlers_.on<Greet>(greet);
    EXPECT_EQ(handlers_.find("other"), nullptr);

    handlers_.otherwise([](Context& context) { return context.type(); });

    EXPECT_EQ(result("other"), R"("other")");
    const auto again = [this] {
        handlers_.otherwise([](Context&) {});
    };
    EXPECT_THROW(again(), Exception);
}

TEST_F(RegistryTest, MistakesAtRegistrationAreThrownAndNameTheType) {
    const auto what = [](const std::function<void()>& registers) -> std::string {
        try {
            registers();
            return "nothing was thrown";
        } catch (const Exception& error) {
            return error.what();
        }
    };
    handlers_.on<Greet>(greet);

    EXPECT_EQ(what([&] { handlers_.on<Greet>(greet); }), "type greet has a handler already");
    EXPECT_THAT(
        what([&] { handlers_.on("a b", [](Context&) {}); }), HasSubstr("type is \"a b\", it must")
    );
    EXPECT_THAT(
        what([&] { handlers_.on("__x", [](Context&) {}); }), HasSubstr("not begin with __")
    );
    EXPECT_EQ(what([&] { handlers_.on("a", RunHandler()); }), "type a: the handler is empty");
    EXPECT_EQ(
        what([&] { handlers_.on("a", [](Context&) {}, {.timeout = -1ms}); }),
        "type a: timeout is -1ms, it must not be below zero"
    );
    EXPECT_EQ(
        what([&] { handlers_.on("a", [](Context&) {}, {.runs = runs_max + 1}); }),
        "type a: runs is 1001, limit is 1000"
    );
    EXPECT_THAT(
        what([&] { handlers_.on("a", [](Context&) {}, {.retry = RetryPolicy{.max_attempts = 0}}); }
        ),
        HasSubstr("type a: retry.max_attempts is 0")
    );
    EXPECT_EQ(what([&] { handlers_.use(nullptr); }), "the middleware is empty");
    EXPECT_EQ(handlers_.find("a"), nullptr);
}

TEST_F(RegistryTest, KnowsWhereItsJobsGoByDefault) {
    EXPECT_TRUE(handlers_.queues().empty());

    handlers_.on<Greet>(greet);
    handlers_.on("a", [](Context&) {});
    handlers_.on("b", [](Context&) {});

    EXPECT_THAT(handlers_.queues(), ElementsAre("default", "mail"));
}

TEST_F(RegistryTest, LayersStandAroundTheHandlerAndSeeExceptions) {
    std::vector<std::string> seen;
    const auto layer = [&](const std::string& name) {
        return [&seen, name](Context& context, const RunHandler& next) -> AttemptOutcome {
            seen.push_back(name + " in");
            try {
                auto outcome = next(context);
                seen.push_back(name + " out");
                return outcome;
            } catch (const std::runtime_error&) {
                seen.push_back(name + " caught");
                throw;
            }
        };
    };
    handlers_.use(layer("outer"));
    handlers_.use(layer("inner"));
    handlers_.on("good", [](Context&) { return 1; });
    handlers_.on("bad", [](Context&) { throw std::runtime_error("x"); });

    EXPECT_EQ(result("good"), "1");
    EXPECT_THAT(seen, ElementsAre("outer in", "inner in", "inner out", "outer out"));
    seen.clear();
    EXPECT_THROW(run("bad"), std::runtime_error);
    EXPECT_THAT(seen, ElementsAre("outer in", "inner in", "inner caught", "outer caught"));
}

TEST_F(RegistryTest, ALayerMayAnswerItself) {
    handlers_.use([](Context&, const RunHandler&) -> AttemptOutcome { return Released{}; });
    handlers_.on<Greet>(greet);

    EXPECT_TRUE(std::holds_alternative<Released>(run("greet")));
    EXPECT_TRUE(host_.lines.empty());
}

class StepTest : public RegistryTest {
  protected:
    int count(int run = 1) {
        Context context(job_, static_cast<std::uint32_t>(run), {}, host_);
        return context.step("count", [this] { return ++done_; });
    }

    int done_ = 0;
};

TEST_F(StepTest, IsDoneOnceAndRemembered) {
    EXPECT_EQ(count(), 1);
    EXPECT_EQ(count(), 1);
    EXPECT_EQ(done_, 1);
    ASSERT_EQ(host_.steps.size(), 1);
    EXPECT_EQ(host_.steps[0].name, "count");
    EXPECT_EQ(host_.steps[0].result, "1");
}

TEST_F(StepTest, EachRunHasItsOwn) {
    job_.options.runs = 2;

    EXPECT_EQ(count(1), 1);
    EXPECT_EQ(count(2), 2);
    EXPECT_EQ(host_.steps[1].name, "count#2");
}

TEST_F(StepTest, OfEarlierAttemptsAreListedForEachRun) {
    job_.steps = {{.name = "count", .result = "1"}};
    const Context only(job_, 1, {}, host_);
    ASSERT_EQ(only.earlier_steps().size(), 1U);
    EXPECT_EQ(only.earlier_steps()[0].name, "count");

    job_.options.runs = 12;
    job_.steps = {{.name = "count#1", .result = "1"}, {.name = "count#11", .result = "2"}};
    const Context first(job_, 1, {}, host_);
    ASSERT_EQ(first.earlier_steps().size(), 1U);
    EXPECT_EQ(first.earlier_steps()[0].name, "count");
    EXPECT_EQ(first.earlier_steps()[0].result, "1");
}

TEST_F(StepTest, MayReturnNothing) {
    Context context(job_, 1, {}, host_);

    context.step("send", [this] { ++done_; });
    context.step("send", [this] { ++done_; });

    EXPECT_EQ(done_, 1);
}

TEST_F(StepTest, IsNotKeptWhenItThrows) {
    Context context(job_, 1, {}, host_);

    const auto throws = []() -> int {
        throw std::runtime_error("x");
    };
    EXPECT_THROW(context.step("x", throws), std::runtime_error);
    EXPECT_TRUE(host_.steps.empty());
}

TEST_F(StepTest, ThrowsWhatTheStoreSaysWhenItCannotBeKept) {
    host_.can_save = false;
    try {
        count();
        FAIL() << "nothing was thrown";
    } catch (const Exception& error) {
        EXPECT_EQ(error.code(), Errc::conflict);
    }
    EXPECT_EQ(done_, 1);
}

TEST_F(StepTest, HasAName) {
    Context context(job_, 1, {}, host_);

    const auto nothing = [] {
    };
    EXPECT_THROW(context.step("", nothing), Exception);
    EXPECT_THROW(context.step(std::string(129, 'x'), nothing), Exception);
}

TEST_F(RegistryTest, ProgressIsAnyValue) {
    Context context(job_, 1, {}, host_);

    context.set_progress(Answer{.text = "half"});

    EXPECT_EQ(host_.progress, R"({"text":"half"})");
    EXPECT_THROW(context.set_progress(std::string("\xff")), Exception);
}

}  // namespace
}  // namespace tranter
