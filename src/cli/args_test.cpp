#include "cli/args.hpp"

#include "cli/help.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tranter::cli {
namespace {

Result<int> do_nothing(const Arguments&) {
    return 0;
}

Command tree() {
    return {
        .name = "tool",
        .summary = "a tool",
        .commands =
            {{.name = "queue",
              .summary = "queues",
              .commands =
                  {{.name = "list",
                    .summary = "list them",
                    .options =
                        {{.name = "prefix", .value = "TEXT", .help = "start"},
                         {.name = "long", .value = "", .help = "more", .letter = 'l'},
                         {.name = "output",
                          .value = "FORMAT",
                          .help = "how",
                          .letter = 'o',
                          .choices = {"table", "json"}}},
                    .run = do_nothing}}},
             {.name = "send",
              .summary = "send",
              .positionals =
                  {{.name = "QUEUE", .help = "where"},
                   {.name = "BODY", .help = "what", .required = false}},
              .options =
                  {{.name = "rate", .value = "N", .help = "rate"},
                   {.name = "delay", .value = "DURATION", .help = "delay"},
                   {.name = "tag", .value = "K=V", .help = "tag", .repeated = true},
                   {.name = "place",
                    .value = "URL",
                    .help = "where",
                    .environment = "TRANTER_ARGS_TEST"}},
              .run = do_nothing},
             {.name = "drop",
              .summary = "drop",
              .positionals = {{.name = "QUEUE", .help = "which", .repeated = true}},
              .run = do_nothing}},
    };
}

class ArgsTest : public testing::Test {
  protected:
    const Command root = tree();

    Invocation parse(std::vector<std::string> words) {
        auto invocation = parse_command_line(root, std::move(words));
        if (!invocation) ADD_FAILURE() << invocation.error().message();
        return invocation ? *invocation : Invocation{};
    }

    std::string refusal(std::vector<std::string> words) {
        const auto invocation = parse_command_line(root, std::move(words));
        if (invocation) return "accepted";
        EXPECT_EQ(invocation.error().code(), Errc::invalid_argument);
        return invocation.error().message();
    }
};

TEST_F(ArgsTest, FindsTheCommandAndItsOptions) {
    const Invocation invocation = parse({"queue", "list", "--prefix", "a", "-l", "-ojson"});

    EXPECT_EQ(invocation.path, "tool queue list");
    EXPECT_EQ(invocation.arguments.find("prefix"), "a");
    EXPECT_TRUE(invocation.arguments.is_on("long"));
    EXPECT_EQ(invocation.arguments.find("output"), "json");
    EXPECT_EQ(invocation.arguments.find("nothing"), std::nullopt);
}

TEST_F(ArgsTest, TakesValuesBehindAnEqualsSignAndSwitchesTurnedOff) {
    const Invocation invocation = parse({"queue", "list", "--prefix=a=b", "--long=false"});

    EXPECT_EQ(invocation.arguments.find("prefix"), "a=b");
    EXPECT_EQ(invocation.arguments.find_switch("long"), false);
}

TEST_F(ArgsTest, TakesAWordThatLooksLikeAnOptionOrAListOrACommandAsItIs) {
    EXPECT_EQ(parse({"send", "q", "--", "-rf"}).arguments.find("BODY"), "-rf");
    EXPECT_EQ(parse({"send", "q", "[1,2]"}).arguments.find("BODY"), "[1,2]");
    EXPECT_EQ(parse({"send", "q", "queue"}).arguments.find("BODY"), "queue");
    EXPECT_EQ(parse({"send", "q", ""}).arguments.find("BODY"), "");
    EXPECT_EQ(parse({"send", "q", "-"}).arguments.find("BODY"), "-");
    EXPECT_EQ(parse({"send", "q", "--", "++"}).arguments.find("BODY"), "++");
    EXPECT_EQ(parse({"send", "q", "{\"a\": \"b c\"}"}).arguments.find("BODY"), "{\"a\": \"b c\"}");
}

TEST_F(ArgsTest, CollectsRepeatedOptionsAndWords) {
    const Invocation sent = parse({"send", "q", "--tag", "a=1", "body", "--tag", "[b=2]"});
    EXPECT_EQ(sent.arguments.list("tag"), (std::vector<std::string>{"a=1", "[b=2]"}));

    const Invocation dropped = parse({"drop", "a", "b", "c"});
    EXPECT_EQ(dropped.arguments.list("QUEUE"), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(ArgsTest, NamesWhatDoesNotFitAndWhatWasMeant) {
    EXPECT_EQ(refusal({"qeue"}), "unknown command 'qeue' (did you mean queue?); see 'tool --help'");
    EXPECT_EQ(refusal({"queue"}), "'tool queue' needs a command: list; see 'tool queue --help'");
    EXPECT_EQ(
        refusal({"queue", "list", "--prefx", "a"}),
        "unknown option '--prefx' (did you mean --prefix?); see 'tool queue list --help'"
    );
    EXPECT_EQ(refusal({"send"}), "QUEUE is missing; see 'tool send --help'");
    EXPECT_EQ(refusal({"send", "a", "b", "c"}), "unexpected argument 'c'; see 'tool send --help'");
    EXPECT_EQ(refusal({"send", "--rate"}), "--rate needs a value: N; see 'tool send --help'");
    EXPECT_EQ(refusal({"queue", "list", "-o", "xml"}), "--output is 'xml', expected table or json");
    EXPECT_EQ(
        refusal({"queue", "list", "--long=perhaps"}), "--long is 'perhaps', expected true or false"
    );
    EXPECT_EQ(
        refusal({"queue", "list", "-o", "json", "-o", "table"}),
        "--output is given 2 times, once is right"
    );
}

TEST_F(ArgsTest, NeverRepeatsTheValueOfAnUnknownOption) {
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"--token", "hunter2", "queue", "list"},
             {"--token=hunter2"},
             {"queue", "list", "--token", "hunter2"},
             {"queue", "list", "--token=hunter2"},
         }) {
        EXPECT_EQ(refusal(words).find("hunter2"), std::string::npos);
        EXPECT_NE(refusal(words).find("--token"), std::string::npos);
    }
}

TEST_F(ArgsTest, CutsAWordOfAMegabyteAndEscapesControlCharacters) {
    EXPECT_LT(refusal({std::string(1000000, 'a')}).size(), 200U);
    EXPECT_EQ(refusal({"\x1b[31m"}).find('\x1b'), std::string::npos);
}

TEST_F(ArgsTest, ChecksNumbersAndTheirRange) {
    const auto rate = [&](const std::string& text) {
        return parse({"send", "q", "--rate", text})
            .arguments.integer("rate", {.min = 1, .max = 500});
    };

    EXPECT_EQ(rate("500").value(), 500);
    for (const char* bad : {"0", "-1", "501", "1.5", "x", "", "99999999999999999999"}) {
        EXPECT_FALSE(rate(bad)) << bad;
    }
    EXPECT_EQ(rate("-1").error().message(), "--rate is '-1', expected a whole number, 1 to 500");
    EXPECT_EQ(Arguments().integer("rate", {}).value(), std::nullopt);
}

TEST_F(ArgsTest, WantsWholeSecondsWhereSqsHasThem) {
    const auto seconds = [&](const std::string& text) {
        return parse({"send", "q", "--delay", text}).arguments.seconds("delay");
    };

    EXPECT_EQ(seconds("2m").value(), 120);
    EXPECT_EQ(seconds("1500ms").error().message(), "--delay is '1500ms', expected whole seconds");
    EXPECT_FALSE(seconds("30"));
}

TEST_F(ArgsTest, ReadsAVariableOnlyWhenTheOptionIsNotGiven) {
    ::setenv("TRANTER_ARGS_TEST", "there", 1);
    EXPECT_EQ(parse({"send", "q"}).arguments.find("place"), "there");
    EXPECT_EQ(parse({"send", "q", "--place", "here"}).arguments.find("place"), "here");
    ::unsetenv("TRANTER_ARGS_TEST");
    EXPECT_EQ(parse({"send", "q"}).arguments.find("place"), std::nullopt);
}

TEST_F(ArgsTest, HelpIsFoundAtEveryLevelAndNeedsNothingElse) {
    EXPECT_TRUE(parse({"--help"}).help);
    EXPECT_TRUE(parse({"-h"}).help);
    EXPECT_TRUE(parse({"help", "queue", "list"}).help);
    EXPECT_TRUE(parse({"queue", "--help"}).help);
    EXPECT_TRUE(parse({"send", "--help"}).help);
    EXPECT_EQ(parse({"send", "-h"}).command->name, "send");
    EXPECT_TRUE(parse({"--version"}).version);
}

TEST_F(ArgsTest, HelpTextShowsWhatTheTreeDeclares) {
    const std::string text = help_text(*parse({"queue", "list", "-h"}).command, "tool queue list");

    EXPECT_TRUE(text.starts_with("Usage: tool queue list [OPTION...]\n\nList them.\n")) << text;
    EXPECT_NE(text.find("-o, --output FORMAT  how: table, json\n"), std::string::npos) << text;
    EXPECT_NE(text.find("-l, --long           more\n"), std::string::npos) << text;
}

TEST(SplitAssignmentTest, SplitsAtTheFirstEqualsSign) {
    EXPECT_EQ(
        split_assignment("a=b=c", "--tag").value(),
        (std::pair<std::string, std::string>("a", "b=c"))
    );
    EXPECT_EQ(
        split_assignment("a=", "--tag").value(), (std::pair<std::string, std::string>("a", ""))
    );
    EXPECT_EQ(
        split_assignment("a", "--tag").error().message(), "--tag is 'a', expected NAME=VALUE"
    );
    EXPECT_FALSE(split_assignment("=b", "--tag"));
}

}  // namespace
}  // namespace tranter::cli
