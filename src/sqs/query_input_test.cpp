#include "sqs/query_input.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::sqs {
namespace {

/// Parses a form and reads it.
class Form {
  public:
    explicit Form(std::string body, std::string query = "")
        : body_(std::move(body)),
          query_(std::move(query)),
          form_(QueryForm::parse(body_, query_)) {}

    QueryInput input() const { return QueryInput(form_.value().parameters()); }
    const Outcome<QueryForm>& outcome() const { return form_; }

  private:
    std::string body_;
    std::string query_;
    Outcome<QueryForm> form_;
};

std::string joined(const std::vector<std::string_view>& texts) {
    std::string all;
    for (const std::string_view text : texts)
        all += std::string(text) + ",";
    return all;
}

TEST(QueryInputTest, DecodesNamesAndValues) {
    const Form form("MessageBody=a+b%20c%26&Q%55eueUrl=x&Empty=&Bare");
    QueryInput input = form.input();
    EXPECT_EQ(input.text("MessageBody"), "a b c&");
    EXPECT_EQ(input.text("QUeueUrl"), "x");
    EXPECT_EQ(input.text("Empty"), "");
    EXPECT_EQ(input.text("Bare"), "");
    EXPECT_FALSE(input.text("Absent"));
}

TEST(QueryInputTest, TheBodyWinsOverTheUrl) {
    const Form form("Action=Body", "Action=Url&Other=1");
    EXPECT_EQ(form.outcome()->find("Action"), "Body");
    EXPECT_EQ(form.input().text("Other"), "1");
}

TEST(QueryInputTest, RefusesBrokenEscapes) {
    for (const char* body : {"A=%", "A=%G1", "%=1", "A=x%2"}) {
        EXPECT_EQ(Form(body).outcome().error().code, Code::malformed_query_string) << body;
    }
}

TEST(QueryInputTest, RefusesTooManyParameters) {
    std::string body;
    for (int i = 0; i < 100'000; ++i)
        body += "&a=1";
    EXPECT_EQ(Form(body).outcome().error().code, Code::malformed_query_string);
}

TEST(QueryInputTest, ReadsListsInOrderOfTheirNumbers) {
    EXPECT_EQ(joined(Form("N.10=c&N.2=b&N.1=a").input().list({"", "N"})), "a,b,c,");
    EXPECT_EQ(joined(Form("N=only").input().list({"", "N"})), "only,");
    EXPECT_EQ(joined(Form("N.member.2=b&N.member.1=a").input().list({"", "N"})), "a,b,");
    EXPECT_EQ(joined(Form("Name=x&N.1=a&N.x=y").input().list({"", "N"})), "a,");
}

TEST(QueryInputTest, ANameWithoutNumberAndValueIsAnEmptyList) {
    EXPECT_TRUE(Form("N=").input().list({"Ns", "N"}).empty());

    int entries = 0;
    Form("E=").input().entries({"Entries", "E"}, 10, [&](Input&) { ++entries; });
    EXPECT_EQ(entries, 0);
}

TEST(QueryInputTest, ReadsMaps) {
    const Form form(
        "Attribute.2.Name=B&Attribute.2.Value=2&Attribute.1.Value=1&Attribute.1.Name=A"
        "&Tag.1.Key=k&Attribute.Name=C&Attribute.Value=3"
    );
    const auto attributes = form.input().map({"", "Attribute"});
    ASSERT_EQ(attributes.size(), 3U);
    EXPECT_EQ(attributes[0].name, "C");  // written without a number
    EXPECT_EQ(attributes[1].name, "A");
    EXPECT_EQ(attributes[2].value, "2");
    const auto tags = form.input().map({"", "Tag", "Key"});
    ASSERT_EQ(tags.size(), 1U);
    EXPECT_EQ(tags[0].value, "");
}

TEST(QueryInputTest, RefusesMapEntriesWithoutOrWithTheSameName) {
    const Form without("Attribute.1.Value=1");
    QueryInput nameless = without.input();
    EXPECT_TRUE(nameless.map({"", "Attribute"}).empty());
    EXPECT_EQ(nameless.failure()->code, Code::missing_parameter);
    const Form form("Attribute.1.Name=A&Attribute.2.Name=A");
    QueryInput repeated = form.input();
    (void)repeated.map({"", "Attribute"});
    EXPECT_EQ(repeated.failure()->code, Code::invalid_parameter_value);
}

TEST(QueryInputTest, ReadsEntriesWithAttributesInside) {
    const Form form(
        "E.1.Id=a&E.1.MessageAttribute.1.Name=n&E.1.MessageAttribute.1.Value.DataType=Binary"
        "&E.1.MessageAttribute.1.Value.BinaryValue=AAH%2F&E.3.Id=b"
        "&E.3.MessageAttribute.1.Name=l&E.3.MessageAttribute.1.Value.StringListValue.1=x"
    );
    QueryInput input = form.input();
    std::string seen;
    input.entries({"", "E"}, 10, [&](Input& entry) {
        seen += *entry.text("Id");
        for (const AttributeInput& attribute : entry.attributes({"", "MessageAttribute"})) {
            seen += attribute.name;
            seen += attribute.binary_value.value_or("-");
            seen += attribute.has_list ? "list" : "";
        }
    });
    EXPECT_EQ(seen, "anAAH/bl-list");
    EXPECT_FALSE(input.failure());
}

TEST(QueryInputTest, HugeNumbersAreRefusedAndNegativeOnesAreNoNumbers) {
    const Form huge("MessageAttribute.4294967297.Name=a");
    QueryInput input = huge.input();
    EXPECT_TRUE(input.attributes({"", "MessageAttribute"}).empty());
    EXPECT_EQ(input.failure()->code, Code::malformed_query_string);
    const Form negative("MessageAttribute.-1.Name=a");
    QueryInput other = negative.input();
    EXPECT_TRUE(other.attributes({"", "MessageAttribute"}).empty());
    EXPECT_TRUE(other.failure());
}

TEST(QueryInputTest, IntegersAreDecimalDigits) {
    const Form form("A=5&B=%2B5&C=5x&D=&E=-1&F=99999999999999999999");
    EXPECT_EQ(form.input().integer("A")->value, 5);
    EXPECT_FALSE(form.input().integer("B")->valid);
    EXPECT_FALSE(form.input().integer("C")->valid);
    EXPECT_FALSE(form.input().integer("D"));
    EXPECT_EQ(form.input().integer("E")->value, -1);
    EXPECT_FALSE(form.input().integer("F")->valid);
}

TEST(QueryInputTest, InvalidUtf8IsAnIllegalCharacter) {
    const Form form("A=%C0%AF");
    QueryInput input = form.input();
    (void)input.text("A");
    EXPECT_EQ(input.failure()->code, Code::invalid_message_contents);
}

}  // namespace
}  // namespace tranter::sqs
