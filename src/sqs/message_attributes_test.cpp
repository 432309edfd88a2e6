#include "sqs/message_attributes.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::sqs {
namespace {

using namespace std::string_literals;

AttributeInput text(std::string_view name, std::string_view type, std::string_view value) {
    return {.name = name, .type = type, .string_value = value};
}
AttributeInput binary(std::string_view name, std::string_view type, std::string_view base64) {
    return {.name = name, .type = type, .binary_value = base64};
}

std::string md5_of(std::vector<AttributeInput> inputs) {
    return to_hex(CheckedAttributes::check(std::move(inputs), Limits::strict).value().md5());
}

Failure failure_of(AttributeInput input, Limits limits = Limits::strict) {
    const auto checked = CheckedAttributes::check({input}, limits);
    EXPECT_FALSE(checked) << input.name;
    return checked ? Failure{} : checked.error();
}

// The vectors of SQS_SPEC 5.11.
TEST(MessageAttributesTest, DigestsMatchKnownVectors) {
    EXPECT_EQ(md5_of({text("foo", "String", "bar")}), "d8062e30406ad939a86bacea477e5a26");
    EXPECT_EQ(md5_of({text("n", "Number", "42")}), "30e7543857de47826ea2a48bbec32fd7");
    EXPECT_EQ(md5_of({binary("b", "Binary", "AAH/")}), "35842bdf855d374207ff397bc05e1ca4");
    EXPECT_EQ(
        md5_of(
            {text("z", "String.custom", "x"),
             binary("a", "Binary.png", "UE5H"),
             text("A", "Number.java.lang.Long", "1493147359900")}
        ),
        "98143595d177f35c27afe7397be14ac6"
    );
    const MessageAttribute trace{
        "AWSTraceHeader",
        "String",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        false};
    EXPECT_EQ(to_hex(attributes_md5({&trace, 1})), "5ae4d5d7636402d80f4eb6d213245a88");
}

TEST(MessageAttributesTest, WhatIsEncodedIsReadBackInOrderOfNames) {
    const auto checked = CheckedAttributes::check(
        {text("b", "String.x", "v"), binary("a", "Binary", "AAH/")}, Limits::strict
    );
    ASSERT_TRUE(checked);
    EXPECT_EQ(checked->bytes(), 1U + 8 + 1 + 1 + 6 + 3);
    EncodedAttributes encoded(checked->encoded());
    EXPECT_EQ(encoded.count(), 2U);
    EXPECT_EQ(to_hex(encoded.md5()), to_hex(checked->md5()));
    const auto first = encoded.next();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->name, "a");
    EXPECT_TRUE(first->binary);
    EXPECT_EQ(first->value, "\0\1\xff"s);
    const auto second = encoded.next();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->type, "String.x");
    EXPECT_EQ(second->value, "v");
    EXPECT_FALSE(encoded.next());
}

TEST(MessageAttributesTest, DamagedEncodingsEndEarly) {
    const auto checked = CheckedAttributes::check({text("name", "String", "v")}, Limits::strict);
    const std::string_view whole = checked->encoded();
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        EncodedAttributes encoded(whole.substr(0, bytes));
        EXPECT_FALSE(encoded.next());
    }
}

TEST(MessageAttributesTest, ErrorsSayWhatSqsSays) {
    EXPECT_EQ(
        failure_of(text("k", "String", "")).message,
        "Message (user) attribute 'k' must contain a non-empty value of type 'String'."
    );
    EXPECT_EQ(
        failure_of({.name = "k", .type = "Binary.png"}).message,
        "Message (user) attribute 'k' must contain a non-empty value of type 'Binary'."
    );
    EXPECT_EQ(
        failure_of({.name = "k", .string_value = "v"}).message,
        "Message (user) attribute 'k' must contain a non-empty attribute type."
    );
    EXPECT_EQ(
        failure_of(text("k", "string", "v")).message,
        "The type of message (user) attribute 'k' is invalid. You must use only the following "
        "supported type prefixes: Binary, Number, String."
    );
    EXPECT_EQ(
        failure_of(text(std::string(257, 'k'), "String", "v")).message,
        "Message (user) attribute names must be shorter than 256 Bytes"
    );
    std::vector<std::string> names;
    for (int i = 0; i < 11; ++i)
        names.push_back("k" + std::to_string(i));
    std::vector<AttributeInput> eleven;
    for (const std::string& name : names)
        eleven.push_back(text(name, "String", "v"));
    EXPECT_EQ(
        CheckedAttributes::check(eleven, Limits::strict).error().message,
        "Number of message attributes [11] exceeds the allowed maximum [10]."
    );
    EXPECT_TRUE(CheckedAttributes::check(eleven, Limits::relaxed));
}

TEST(MessageAttributesTest, RefusesReservedAndOddNames) {
    for (const char* name :
         {"", "AWS.x", "aws.x", "Amazon.x", "AMAZON.", ".a", "a.", "a..b", "a b", "\u00e9"}) {
        EXPECT_EQ(failure_of(text(name, "String", "v")).code, Code::invalid_parameter_value)
            << name;
    }
    for (const char* name : {"AWSx", "a.b", "A_-9", "awsome"}) {
        EXPECT_TRUE(CheckedAttributes::check({text(name, "String", "v")}, Limits::strict)) << name;
    }
}

TEST(MessageAttributesTest, RefusesValuesThatAreNotOfTheirType) {
    EXPECT_EQ(failure_of(binary("k", "Binary", "###")).code, Code::invalid_parameter_value);
    EXPECT_EQ(failure_of(text("k", "Number", "abc")).code, Code::invalid_parameter_value);
    EXPECT_EQ(failure_of(text("k", "Number", "1e999")).code, Code::invalid_parameter_value);
    EXPECT_EQ(failure_of(text("k", "String", "\x01")).code, Code::invalid_message_contents);
    EXPECT_EQ(
        failure_of({.name = "k", .type = "String", .string_value = "v", .has_list = true}).code,
        Code::invalid_parameter_value
    );
    EXPECT_TRUE(CheckedAttributes::check({text("k", "String", "")}, Limits::relaxed));
}

TEST(MessageAttributesTest, NumbersHave38DigitsAndARange) {
    for (const char* number :
         {"0",
          "-1",
          "+1.50",
          ".5",
          "1.",
          "1e126",
          "-1E126",
          "1e-128",
          "0.0e999",
          "00012",
          "99999999999999999999999999999999999999",
          "1000000000000000000000000000000000000000000"}) {
        EXPECT_EQ(check_number(number, Limits::strict), NumberCheck::good) << number;
    }
    for (const char* number :
         {"1e127",
          "1.1e126",
          "9e-129",
          "1e999999999999999999",
          "123456789012345678901234567890123456789"}) {
        EXPECT_EQ(check_number(number, Limits::strict), NumberCheck::out_of_range) << number;
        EXPECT_EQ(check_number(number, Limits::relaxed), NumberCheck::good) << number;
    }
    for (const char* number : {"", "-", ".", "e5", "1e", "1e+", "1 ", " 1", "0x1", "NaN", "1,5"}) {
        EXPECT_EQ(check_number(number, Limits::strict), NumberCheck::malformed) << number;
    }
}

}  // namespace
}  // namespace tranter::sqs
