#include "cli/hocon.hpp"

#include <gtest/gtest.h>

#include <map>

namespace tranter::cli {
namespace {

const std::map<std::string, std::string> included_files{
    {"more.conf", "b = included\nc.d = 1"},
    {"dir/deep.conf", "include \"self.conf\""},
    {"dir/self.conf", "include \"deep.conf\""},
    {"bad.conf", "x = 1\ny ="},
};

Result<std::optional<std::string>> read_included(const std::string& path) {
    const auto found = included_files.find(path);
    if (found == included_files.end()) return std::optional<std::string>();
    return found->second;
}

const char* hocon_variable(const std::string& name) {
    return name == "PORT" ? "8080" : nullptr;
}

Result<HoconDocument> parse_text(std::string_view text) {
    return parse_hocon(text, "t.conf", {.env = &hocon_variable, .read_include = &read_included});
}

void append(std::string& out, const ConfigNode& node) {
    if (const auto* text = std::get_if<std::string>(&node.value)) {
        out.append("'").append(*text).append("'");
    } else if (const auto* array = std::get_if<ConfigNode::Array>(&node.value)) {
        out += '[';
        for (const ConfigNode& element : *array)
            append(out, element);
        out += ']';
    } else if (const auto* object = std::get_if<ConfigNode::Object>(&node.value)) {
        out += '{';
        for (const ConfigMember& member : *object) {
            out.append(out.back() == '{' ? "" : " ").append(member.key).append("=");
            append(out, member.node);
        }
        out += '}';
    } else {
        out += "null";
    }
}

// Compact form of the result or the error.
std::string read_text(std::string_view text) {
    const Result<HoconDocument> document = parse_text(text);
    if (!document) return document.error().message();
    std::string out;
    append(out, document->root);
    return out;
}

TEST(HoconTest, ReadsObjectsWithAndWithoutBracesAndSeparators) {
    EXPECT_EQ(read_text(""), "{}");
    EXPECT_EQ(read_text("{ }"), "{}");
    EXPECT_EQ(read_text("a = 1, b : 2\nc { d = x }"), "{a='1' b='2' c={d='x'}}");
    EXPECT_EQ(read_text("{\"a\":{\"b\":[1,2,]},}"), "{a={b=['1''2']}}");
    EXPECT_EQ(read_text("queues\n{\n  a =\n 1\n}"), "{queues={a='1'}}");
    EXPECT_EQ(read_text("a { b = 1 } c = 2"), "t.conf:1:15: '=' cannot stand here, quote it");
}

TEST(HoconTest, KeysAreDottedOrQuoted) {
    EXPECT_EQ(read_text("a.b.c = 1\na.b.d = 2"), "{a={b={c='1' d='2'}}}");
    EXPECT_EQ(read_text("\"x.fifo\" { fifo = true }"), "{x.fifo={fifo='true'}}");
    EXPECT_EQ(read_text("a.\"b.c\".d = 1"), "{a={b.c={d='1'}}}");
    EXPECT_EQ(read_text("a b = 1"), "{a b='1'}");
}

TEST(HoconTest, ReadsEveryKindOfText) {
    EXPECT_EQ(read_text("a = 10 seconds # c"), "{a='10 seconds'}");
    EXPECT_EQ(
        read_text("a = \"x \\\" \\u00e9 \\uD83D\\uDE80\\n\""),
        "{a='x \" \xC3\xA9 \xF0\x9F\x9A\x80\n'}"
    );
    EXPECT_EQ(
        read_text("a = \"\"\"raw \"quotes\" \\n\nline\"\"\"\""), "{a='raw \"quotes\" \\n\nline\"'}"
    );
    EXPECT_EQ(read_text("a = 000000000000 // c"), "{a='000000000000'}");
    EXPECT_EQ(read_text("a = null, b = \"null\""), "{a=null b='null'}");
    EXPECT_EQ(read_text("a = one \"two\" three"), "{a='one two three'}");
    EXPECT_EQ(read_text("a = /opt/data/x"), "{a='/opt/data/x'}");
    EXPECT_EQ(read_text("a = 1\r\nb = 2\r\n"), "{a='1' b='2'}");
}

TEST(HoconTest, LaterValuesWinAndObjectsMerge) {
    EXPECT_EQ(read_text("a = 1\na = 2"), "{a='2'}");
    EXPECT_EQ(read_text("a { x = 1, y = 1 }\na { y = 2 }"), "{a={x='1' y='2'}}");
    EXPECT_EQ(read_text("a { x = 1 }\na = 5\na { y = 2 }"), "{a={y='2'}}");
    EXPECT_EQ(read_text("a { x = 1 } { y = 2 }"), "{a={x='1' y='2'}}");
    EXPECT_EQ(read_text("a = [1] [2, 3]"), "{a=['1''2''3']}");
}

TEST(HoconTest, SubstitutionsSeeTheWholeFileAndThenTheEnvironment) {
    EXPECT_EQ(read_text("a = ${b.c}\nb.c = 7"), "{a='7' b={c='7'}}");
    EXPECT_EQ(read_text("p = ${PORT}"), "{p='8080'}");
    EXPECT_EQ(read_text("p = 9324\np = ${?PORT}"), "{p='8080'}");
    EXPECT_EQ(read_text("p = 9324\np = ${?NOPE}"), "{p='9324'}");
    EXPECT_EQ(read_text("p = ${?NOPE}"), "{}");
    EXPECT_EQ(read_text("u = \"http://\"${h}\":\"${PORT}\nh = x"), "{h='x' u='http://x:8080'}");
    EXPECT_EQ(read_text("a = pre ${?NOPE} post"), "{a='pre  post'}");
    EXPECT_EQ(
        read_text("d { t = 1, u = 2 }\nq = ${d} { u = 3 }"), "{d={t='1' u='2'} q={t='1' u='3'}}"
    );
    EXPECT_EQ(read_text("d.t = 1\nq = ${d}\nq.v = 4"), "{d={t='1'} q={t='1' v='4'}}");
    EXPECT_EQ(read_text("q = ${d}\nd.x = 1\nz = ${q.x}"), "{d={x='1'} q={x='1'} z='1'}");
    EXPECT_EQ(read_text("a = [${x}, ${?NOPE}]\nx = 1"), "{a=['1'] x='1'}");
}

TEST(HoconTest, AKeyMayReferToItsOwnEarlierValue) {
    EXPECT_EQ(read_text("path = a\npath = ${path}\":b\""), "{path='a:b'}");
    EXPECT_EQ(read_text("l = [1]\nl += 2\nl += 3"), "{l=['1''2''3']}");
    EXPECT_EQ(read_text("l += 1"), "{l=['1']}");
    EXPECT_EQ(read_text("o.l = [1]\no { l += 2 }"), "{o={l=['1''2']}}");
    EXPECT_EQ(read_text("a = ${?a}x"), "{a='x'}");
}

TEST(HoconTest, CircularAndMissingSubstitutionsAreErrors) {
    EXPECT_EQ(read_text("a = ${b}\nb = ${a}"), "t.conf:2:5: ${a} refers to itself");
    EXPECT_EQ(read_text("a = ${a}"), "t.conf:1:5: ${a} refers to itself");
    EXPECT_EQ(read_text("a { b = ${a} }"), "t.conf:1:9: ${a} refers to itself");
    EXPECT_EQ(
        read_text("x = 1\na = ${nope.x}"),
        "t.conf:2:5: ${nope.x} is not set, neither in the file nor in the environment"
    );
}

TEST(HoconTest, SubstitutionsCannotBlowUp) {
    std::string text = "a0 = [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 20; ++i) {
        const std::string before = "${a" + std::to_string(i - 1) + "}";
        text += "a" + std::to_string(i) + " = [" + before + ", " + before + ", " + before + "]\n";
    }

    EXPECT_NE(read_text(text).find("substitutions make the file too large"), std::string::npos);
}

TEST(HoconTest, LongChainsAndDeepNestingAreErrors) {
    std::string chain = "a0 = 1\n";
    for (int i = 1; i < 5000; ++i) {
        chain += "a" + std::to_string(i) + " = ${a" + std::to_string(i - 1) + "}\n";
    }
    EXPECT_NE(read_text(chain).find("nested deeper"), std::string::npos);
    EXPECT_NE(read_text(std::string(100'000, '[')).find("t.conf:1:1"), std::string::npos);
    EXPECT_NE(read_text("a=" + std::string(100'000, '[')).find("nested deeper"), std::string::npos);
    EXPECT_NE(read_text("a=" + std::string(100'000, '{')).find("t.conf"), std::string::npos);
    std::string nested;
    for (int i = 0; i < 100'000; ++i)
        nested += "a{";
    EXPECT_NE(read_text(nested).find("nested deeper"), std::string::npos);
    std::string dotted = "a";
    for (int i = 0; i < 100'000; ++i)
        dotted += ".a";
    EXPECT_NE(read_text(dotted + "=1").find("nested deeper"), std::string::npos);
}

TEST(HoconTest, IncludesFilesNextToTheFile) {
    EXPECT_EQ(read_text("a = 1\ninclude \"more.conf\"\nb = own"), "{a='1' b='own' c={d='1'}}");
    EXPECT_EQ(read_text("x { include file(\"more.conf\") }"), "{x={b='included' c={d='1'}}}");
    EXPECT_EQ(read_text("include classpath(\"application.conf\")\na = 1"), "{a='1'}");
    EXPECT_EQ(read_text("include = 5"), "{include='5'}");
    EXPECT_EQ(parse_text("include \"missing.conf\"")->notices.size(), 1U);
    EXPECT_EQ(
        read_text("include required(\"missing.conf\")"),
        "t.conf:1:33: the included file missing.conf does not exist"
    );
    EXPECT_EQ(
        read_text("\ninclude \"dir/deep.conf\""),
        "dir/self.conf:1:20: dir/deep.conf includes itself"
    );
    EXPECT_EQ(read_text("include \"t.conf\""), "t.conf:1:17: t.conf includes itself");
    EXPECT_EQ(read_text("include \"bad.conf\"").substr(0, 11), "bad.conf:2:");
}

TEST(HoconTest, SyntaxErrorsNamePlaceAndRemedy) {
    EXPECT_EQ(read_text("a = "), "t.conf:1:5: a value is missing, write key = value");
    EXPECT_EQ(read_text("a { b = 1"), "t.conf:1:10: the file ends inside an object, write }");
    EXPECT_EQ(
        read_text("a = 1 }"), "t.conf:1:7: a closing brace without an opening one, remove it"
    );
    EXPECT_EQ(read_text("a = \"x\ny\"").substr(0, 11), "t.conf:1:7:");
    EXPECT_EQ(read_text("host = *"), "t.conf:1:8: '*' cannot stand here, quote it");
    EXPECT_EQ(read_text("a b\nc = 1"), "t.conf:2:1: 'c' after the key \"a b\", write =");
    EXPECT_EQ(read_text("[1]"), "t.conf:1:1: the file is a list, write key = value");
    EXPECT_EQ(read_text("a = [1] x").substr(0, 9), "t.conf:1:");
    for (const char* text :
         {"=",
          "a",
          "{",
          "a=[",
          "a=\"",
          "a=\"\"\"",
          "a=${",
          "a=${}",
          "a=${b",
          "a=\"\\",
          "a=\"\\u12",
          "a=\"\\ud800\"",
          "include \"",
          "include file(",
          "include file(\"x\"",
          "a.=1",
          ".a=1",
          "a..b=1",
          "include url(\"http://x\")"}) {
        EXPECT_FALSE(parse_text(text)) << text;
    }
}

}  // namespace
}  // namespace tranter::cli
