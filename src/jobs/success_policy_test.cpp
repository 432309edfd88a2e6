#include <tranter/job.hpp>
#include <tranter/payload.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tranter {
namespace {

struct Vote {
    SuccessPolicy success{};
};

std::string problem_with(std::string_view text) {
    const auto policy = SuccessPolicy::from_text(text);
    return policy ? "accepted" : policy.error().message();
}

TEST(SuccessPolicyTest, HasATextForm) {
    EXPECT_EQ(SuccessPolicy().to_text(), "all");
    EXPECT_EQ(SuccessPolicy::any().to_text(), "any");
    EXPECT_EQ(SuccessPolicy::at_least(12).to_text(), "at_least(12)");
    for (const std::uint32_t runs : {0U, 1U, 2U, 999U, runs_max}) {
        const SuccessPolicy policy{runs};
        EXPECT_EQ(SuccessPolicy::from_text(policy.to_text()).value(), policy);
    }
    EXPECT_EQ(SuccessPolicy::from_text("at_least(1)").value(), SuccessPolicy::any());
}

TEST(SuccessPolicyTest, SaysWhatWouldBeRight) {
    EXPECT_EQ(
        problem_with("some"), "is \"some\", expected all, any or at_least(K) with 1 to 1000 runs"
    );
    for (const char* text :
         {"",
          "ALL",
          "at_least()",
          "at_least(0)",
          "at_least(1001)",
          "at_least(-1)",
          "at_least(1",
          "at_least( 1)",
          "at_least(99999999999)",
          "at_least",
          "at_least(1))"}) {
        EXPECT_NE(problem_with(text), "accepted") << text;
    }
    EXPECT_LT(problem_with(std::string(100'000, 'x')).size(), 200);
}

TEST(SuccessPolicyTest, NeedsNoMoreRunsThanThereAre) {
    EXPECT_EQ(SuccessPolicy::all().needed_of(7), 7);
    EXPECT_EQ(SuccessPolicy::any().needed_of(7), 1);
    EXPECT_EQ(SuccessPolicy::at_least(3).needed_of(7), 3);
    EXPECT_EQ(SuccessPolicy::at_least(9).needed_of(7), 7);
}

TEST(SuccessPolicyTest, IsTextInJson) {
    const Vote vote{SuccessPolicy::at_least(2)};
    EXPECT_EQ(to_json(vote).value(), R"json({"success":"at_least(2)"})json");
    EXPECT_EQ(from_json<Vote>(R"({"success":"any"})").value().success, SuccessPolicy::any());
    EXPECT_EQ(
        from_json<Vote>(R"({"success":"most"})").error().message(),
        "$.success: is \"most\", expected all, any or at_least(K) with 1 to 1000 runs"
    );
    EXPECT_EQ(
        from_json<Vote>(R"({"success":2})").error().message(), "$.success: expected string, got 2"
    );
}

}  // namespace
}  // namespace tranter
