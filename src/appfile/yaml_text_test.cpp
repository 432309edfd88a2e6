#include "appfile/yaml_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::appfile {
namespace {

std::string yaml(std::string_view text) {
    const auto value = parse_yaml(text);
    return value ? to_json(*value) : "error: " + value.error().message();
}

TEST(YamlTextTest, ReadsWhatYamlMeans) {
    const std::vector<std::pair<std::string_view, std::string_view>> cases{
        {"", "null"},
        {"a: 1\nb: [x, 'y', \"z\\n\"]\n", R"({"a":1,"b":["x","y","z\n"]})"},
        {"- yes\n- on\n- true\n- False\n- ~\n- null\n-\n",
         R"(["yes","on",true,false,null,null,null])"},
        {"[1, -2, 1.5, 1e3, 0x1F, 0o17, 0b11, 010, +3, .5, '1', 1.2.3, -, 0xZ, 1_0]",
         R"([1,-2,1.5,1000,31,15,3,10,3,0.5,"1","1.2.3","-","0xZ","1_0"])"},
        {"!!str 5", R"("5")"},
        {"a: |\n  two\n  lines\n", R"({"a":"two\nlines\n"})"},
        {"1: a\ntrue: b", R"({"1":"a","true":"b"})"},
        {"a: &x {k: 1}\nb: *x", R"({"a":{"k":1},"b":{"k":1}})"},
        {"a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3", R"({"a":{"k":1,"l":2},"b":{"k":3,"l":2}})"},
        {"b: {<<: [{k: 1}, {k: 2, l: 2}]}", R"({"b":{"k":1,"l":2}})"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(yaml(text), wanted) << text;
}

TEST(YamlTextTest, NamesThePlaceOfAMistake) {
    const std::vector<std::pair<std::string_view, std::string_view>> cases{
        {"a: 1\nb: 2\na: 3\n", "error: 3:1: key a stands here twice"},
        {"a: *x", "error: 1:4: *x is the alias of nothing before it"},
        {"a: &x [*x]", "error: 1:8: *x is the alias of nothing before it"},
        {"a: 1\n---\nb: 2\n", "error: 2:1: a second document starts here, write one"},
        {"a: !!binary aGk=", "error: 1:4: tag tag:yaml.org,2002:binary means nothing here"},
        {"[a]: 1", "error: 1:1: a key is text, and this is a list"},
        {"<<: 5", "error: 1:5: << takes a mapping, and this is a number"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(yaml(text), wanted) << text;
    EXPECT_TRUE(yaml("a: 1\n b: 2\n").starts_with("error: 2:")) << yaml("a: 1\n b: 2\n");
    EXPECT_TRUE(yaml("a: [1, 2").starts_with("error: ")) << yaml("a: [1, 2");
    EXPECT_TRUE(yaml("a:\n\t- b").starts_with("error: 2:")) << yaml("a:\n\t- b");
}

TEST(YamlTextTest, BoundsAliasesAndDepth) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 20; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j)
            bomb += (j > 0 ? ", " : "") + before;
        bomb += "]\n";
    }
    EXPECT_TRUE(yaml(bomb).contains("its aliases make millions of values")) << yaml(bomb);
    EXPECT_TRUE(yaml(std::string(200, '[') + std::string(200, ']')).contains("nested too deep"));

    std::string members;
    for (int i = 0; i < 3000; ++i)
        members += "k" + std::to_string(i) + ": 1\n";
    EXPECT_TRUE(yaml(members).contains("more than 2000 members"));
}

}  // namespace
}  // namespace tranter::appfile
