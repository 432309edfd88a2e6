#include "base/json_writer.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tranter {
namespace {

using namespace std::string_literals;

TEST(JsonWriterTest, EscapesWhatJsonForbidsWhereverItStands) {
    for (std::size_t before = 0; before < 20; ++before) {
        const std::string filler(before, 'x');
        std::string out;
        append_json_string(out, filler + "\"\\\n\x01\x1f" + filler);
        EXPECT_EQ(out, "\"" + filler + "\\\"\\\\\\n\\u0001\\u001f" + filler + "\"");
    }
}

TEST(JsonWriterTest, LeavesOtherTextAlone) {
    std::string out;
    append_json_escaped(out, "h\u00e9llo \U0001F600 \x7f/ 0123456789");
    EXPECT_EQ(out, "h\u00e9llo \U0001F600 \x7f/ 0123456789");
    out.clear();
    append_json_escaped(out, "\b\f\r\t\0"s);
    EXPECT_EQ(out, "\\b\\f\\r\\t\\u0000");
}

TEST(JsonWriterTest, PutsCommasBetweenMembersAndElements) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("a", 1).key("b").begin_array().value("x").value(true).null();
    json.begin_object().end_object().end_array().member("c", -2).member("d", 0.5).end_object();
    EXPECT_EQ(out, R"({"a":1,"b":["x",true,null,{}],"c":-2,"d":0.5})");
}

TEST(JsonWriterTest, WritesTheExtremesOfNumbers) {
    std::string out;
    JsonWriter json(out);
    json.begin_array()
        .value(std::numeric_limits<std::uint64_t>::max())
        .value(std::numeric_limits<std::int64_t>::min())
        .value(std::numeric_limits<double>::infinity())
        .end_array();
    EXPECT_EQ(out, "[18446744073709551615,-9223372036854775808,null]");
}

}  // namespace
}  // namespace tranter
