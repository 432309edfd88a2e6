#include <tranter/job_type.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tranter {
namespace {

using namespace std::chrono_literals;

struct SendWelcome {
    std::uint64_t user_id{};
    std::string locale = "en";
    std::optional<std::string> note{};
    static constexpr std::string_view kind = "email.welcome";
    static constexpr JobDefaults defaults{
        .queue = "mail", .timeout = 30s, .retry = {.max_attempts = 8}};
    static constexpr auto unique = std::tuple{&SendWelcome::user_id, &SendWelcome::note};
};

struct SendGoodbye {
    std::uint64_t user_id{};
    std::string locale = "en";
    std::optional<std::string> note{};
    static constexpr auto kind = "email.goodbye";
    static constexpr auto unique = std::tuple{"note", std::string_view("user_id")};
};

struct Sweep {
    std::uint64_t user_id{};
    static constexpr std::string_view kind = "sweep";
    static constexpr std::tuple<> unique{};
};

struct Anything {
    int value = 0;
    static constexpr std::string_view kind = "anything";
};

static_assert(Job<SendWelcome> && Job<SendGoodbye> && !Job<std::string>);
static_assert(job_kind<SendWelcome>() == "email.welcome");
static_assert(job_kind<SendGoodbye>() == "email.goodbye");
static_assert(job_defaults<SendWelcome>().queue == "mail");
static_assert(job_defaults<SendWelcome>().timeout == 30s);
static_assert(job_defaults<SendWelcome>().retry.max_attempts == 8);
static_assert(job_defaults<Anything>().queue == "default");
static_assert(job_defaults<Anything>().priority == 5);

TEST(JobTypeTest, StaticMembersAreNoFields) {
    EXPECT_EQ(*to_json(SendWelcome{.user_id = 42}), R"({"user_id":42,"locale":"en"})");
}

TEST(UniqueKeyTest, DependsOnTheChosenFieldsAlone) {
    const std::string key = **unique_key(SendWelcome{.user_id = 42});

    EXPECT_EQ(key.size(), 32);
    EXPECT_EQ(**unique_key(SendWelcome{.user_id = 42, .locale = "de"}), key);
    EXPECT_NE(**unique_key(SendWelcome{.user_id = 43}), key);
    EXPECT_NE(**unique_key(SendWelcome{.user_id = 42, .note = "x"}), key);
}

TEST(UniqueKeyTest, StaysTheSameFromReleaseToRelease) {
    // printf 'email.welcome\n{"user_id":42}' | sha256sum | head -c 32
    EXPECT_EQ(**unique_key(SendWelcome{.user_id = 42}), "5611b6d0f8324f70b4a8329c753f8fc9");
}

TEST(UniqueKeyTest, NamesMeanTheSameAsPointersAndTheKindCounts) {
    EXPECT_NE(**unique_key(SendWelcome{.user_id = 1}), **unique_key(SendGoodbye{.user_id = 1}));
    EXPECT_EQ(
        **unique_key(SendGoodbye{.user_id = 1, .locale = "a"}),
        **unique_key(SendGoodbye{.user_id = 1, .locale = "b"})
    );
    EXPECT_NE(**unique_key(SendGoodbye{.user_id = 1}), **unique_key(SendGoodbye{.user_id = 2}));
}

TEST(UniqueKeyTest, NoFieldsMeanOneJobOfTheKind) {
    EXPECT_EQ(**unique_key(Sweep{.user_id = 1}), **unique_key(Sweep{.user_id = 2}));
    EXPECT_EQ(*unique_key(Anything{}), std::nullopt);
}

TEST(UniqueKeyTest, FailsWhenAChosenFieldCannotBeWritten) {
    const auto key = unique_key(SendWelcome{.note = "\xff"});

    EXPECT_TRUE(key.error().message().starts_with("$.note: ")) << key.error().message();
    EXPECT_TRUE(unique_key(SendWelcome{.locale = "\xff"}));
}

TEST(JobTypeTest, KindsAreWordsOfLettersDigitsAndSomeSigns) {
    EXPECT_TRUE(is_valid_kind("workspace:create/v2"));
    EXPECT_TRUE(is_valid_kind(std::string(128, 'a')));
    for (const std::string& kind : {std::string(), std::string("a b"), std::string(129, 'a')}) {
        EXPECT_FALSE(is_valid_kind(kind)) << kind;
    }
    EXPECT_FALSE(is_valid_kind("é"));
}

TEST(JobDefaultsTest, SayWhatContradictsItself) {
    EXPECT_EQ(JobDefaults().problem(), "");
    EXPECT_NE(JobDefaults{.queue = ""}.problem(), "");
    EXPECT_NE(JobDefaults{.timeout = -1s}.problem(), "");
    EXPECT_NE(JobDefaults{.priority = 10}.problem(), "");
    EXPECT_NE(JobDefaults{.retry = {.max_attempts = 0}}.problem(), "");
}

}  // namespace
}  // namespace tranter
