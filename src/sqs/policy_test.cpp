#include "sqs/policy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::sqs {
namespace {

constexpr std::string_view arn = "arn:aws:sqs:us-east-1:000000000000:q";
const std::vector<std::string_view> one_account{"111122223333"};
const std::vector<std::string_view> two_accounts{"111122223333", "444455556666"};
const std::vector<std::string_view> one_action{"SendMessage"};
const std::vector<std::string_view> two_actions{"SendMessage", "*"};

TEST(PolicyTest, TheFirstPermissionMakesAPolicy) {
    EXPECT_EQ(
        add_statement("", arn, {"L", one_account, one_action}),
        R"({"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy",)"
        R"("Statement":[{"Sid":"L","Effect":"Allow",)"
        R"("Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"SQS:SendMessage",)"
        R"("Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]})"
    );
}

TEST(PolicyTest, SeveralValuesAreLists) {
    const auto policy = add_statement("", arn, {"L", two_accounts, two_actions});
    ASSERT_TRUE(policy);
    EXPECT_NE(policy->find(R"("AWS":["arn:aws:iam::111122223333:root",)"), std::string::npos);
    EXPECT_NE(policy->find(R"("Action":["SQS:SendMessage","SQS:*"])"), std::string::npos);
}

TEST(PolicyTest, StatementsOfOthersKeepTheirContent) {
    const auto policy = add_statement(
        R"({"Version":"2012-10-17","Statement":{"Sid":"theirs","Effect":"Deny","x":[1,"\u00e9"]}})",
        arn,
        {"mine", one_account, one_action}
    );
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->starts_with(
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"theirs\",\"Effect\":\"Deny\","
        "\"x\":[1,\"\u00e9\"]},{\"Sid\":\"mine\""
    )) << *policy;
    const auto removed = remove_statement(*policy, "mine");
    ASSERT_TRUE(removed);
    EXPECT_EQ(remove_statement(*removed, "theirs"), "");
}

TEST(PolicyTest, LabelsAreUniqueAndMustExist) {
    const auto policy = add_statement("", arn, {"L", one_account, one_action});
    EXPECT_EQ(
        add_statement(*policy, arn, {"L", one_account, one_action}).error().message,
        "Value L for parameter Label is invalid. Reason: Already exists."
    );
    EXPECT_EQ(
        remove_statement(*policy, "M").error().message,
        "Value M for parameter Label is invalid. Reason: can't find label."
    );
    EXPECT_FALSE(remove_statement("", "M"));
}

TEST(PolicyTest, GrowsToTwentyStatements) {
    std::string policy;
    for (int i = 0; i < 20; ++i) {
        const std::string label = "L" + std::to_string(i);
        auto next = add_statement(policy, arn, {label, one_account, one_action});
        ASSERT_TRUE(next);
        policy = *next;
    }
    EXPECT_EQ(
        add_statement(policy, arn, {"X", one_account, one_action}).error().code, Code::over_limit
    );
}

}  // namespace
}  // namespace tranter::sqs
