#include "sqs/output.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::sqs {
namespace {

constexpr OutputList list{"Messages", "Message"};
constexpr OutputList urls{"QueueUrls", "QueueUrl"};
constexpr OutputMap map{"Attributes", "Attribute"};
constexpr OutputMap tags{"Tags", "Tag", "Key", "Value"};

void write_everything(Output& output) {
    output.text("Id", "a<\"&>\r\n");
    output.number("Count", 3);
    output.flag("Flag", true);
    output.token("Token", [](std::string& out) { out += "abc"; });
    output.begin_list(urls);
    output.element(urls, "u1");
    output.element(urls, "u2");
    output.end_list(urls);
    output.begin_list(list);
    output.begin_object(list);
    output.begin_map(map);
    output.begin_entry(map, "k");
    output.text("DataType", "String");
    output.end_entry(map);
    output.end_map(map);
    output.end_object(list);
    output.begin_object(list);
    output.end_object(list);
    output.end_list(list);
    output.begin_map(tags);
    output.entry(tags, "x", "1");
    output.entry(tags, "y", "");
    output.end_map(tags);
}

TEST(OutputTest, JsonNestsListsAndMaps) {
    JsonOutput output;
    write_everything(output);
    EXPECT_EQ(
        std::move(output).finish(),
        R"({"Id":"a<\"&>\r\n","Count":3,"Flag":true,"Token":"abc","QueueUrls":["u1","u2"],)"
        R"("Messages":[{"Attributes":{"k":{"DataType":"String"}}},{}],"Tags":{"x":"1","y":""}})"
    );
}

TEST(OutputTest, XmlFlattensListsAndMaps) {
    XmlOutput output("Act", true);
    write_everything(output);
    EXPECT_EQ(
        std::move(output).finish("request-1"),
        "<?xml version=\"1.0\"?>\n"
        "<ActResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><ActResult>"
        "<Id>a&lt;&quot;&amp;&gt;&#13;\n</Id><Count>3</Count><Flag>true</Flag><Token>abc</Token>"
        "<QueueUrl>u1</QueueUrl><QueueUrl>u2</QueueUrl>"
        "<Message><Attribute><Name>k</Name><Value><DataType>String</DataType></Value></Attribute>"
        "</Message><Message></Message>"
        "<Tag><Key>x</Key><Value>1</Value></Tag><Tag><Key>y</Key><Value></Value></Tag>"
        "</ActResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
        "</ActResponse>\n"
    );
}

TEST(OutputTest, XmlHoldsNoCharacterThatItForbids) {
    std::string out;
    append_xml_escaped(out, "a\x01\x1f\ufffe\uffff\ufffd\uf000\t\n");
    EXPECT_EQ(out, "a\ufffd\ufffd\ufffd\ufffd\ufffd\uf000\t\n");
}

TEST(OutputTest, XmlOfActionsWithoutOutputHasNoResult) {
    XmlOutput output("DeleteQueue", false);
    EXPECT_EQ(std::move(output).finish("r").find("Result"), std::string::npos);
}

}  // namespace
}  // namespace tranter::sqs
