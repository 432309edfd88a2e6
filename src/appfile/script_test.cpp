#include "appfile/script.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::appfile {
namespace {

ScriptOptions options_of(ScriptOptions::Form form) {
    return {
        .path = "/srv/app dir/ecosystem.config.js",
        .directory = "/srv/here",
        .environment = {"STAGE=live", "EMPTY=", "HOME=/home/me"},
        .form = form};
}

/// The value as JSON, or "error: LINE:COLUMN: what".
std::string evaluated(
    std::string_view text, ScriptOptions::Form form = ScriptOptions::Form::module
) {
    const auto value = evaluate_script(text, options_of(form));
    return value ? to_json(*value) : "error: " + value.error().message();
}

/// Of one expression.
std::string result(std::string_view expression) {
    return evaluated("module.exports = [" + std::string(expression) + "]");
}

std::string json(std::string_view text) {
    return evaluated(text, ScriptOptions::Form::expression);
}

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

TEST(ScriptTest, EvaluatesLiterals) {
    const Pairs cases{
        {"1", "[1]"},
        {"0x1F, 0b101, 0o17, 1_000, .5, 5., 1e3, 1E-7, 1e21",
         "[31,5,15,1000,0.5,5,1000,1e-7,1e+21]"},
        {"true, false, null", "[true,false,null]"},
        {"undefined, NaN", "[null,null]"},
        {"'a\\\nb'", R"(["ab"])"},
        {"`a${1 + 1}b${`c${'d'}`}`", R"(["a2bcd"])"},
        {"`two\nlines`", R"(["two\nlines"])"},
        {"/a[/]b\\/c/gi", R"([{"$regex":"a[/]b\\/c","$flags":"gi"}])"},
        {"[], [1, [2],], {}", "[[],[1,[2]],{}]"},
        {"{a: 1, 'b c': 2, 3: 4, [`k${1}`]: 5, if: 6,}",
         R"([{"a":1,"b c":2,"3":4,"k1":5,"if":6}])"},
        {"{a: 1, a: 2}", R"([{"a":2}])"},
        {"{a: undefined, b: 1}", R"([{"b":1}])"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(result(text), wanted) << text;
}

TEST(ScriptTest, ReadsEscapes) {
    EXPECT_EQ(
        result(R"('a"b', "it's", "\n\t\\\x41\u00e9\u{1F600}\ud83d\ude00\q")"),
        "[\"a\\\"b\",\"it's\",\"\\n\\t\\\\A\u00e9\U0001F600\U0001F600q\"]"
    );
    EXPECT_EQ(result(R"("\ud83d")"), "[\"\uFFFD\"]");
}

TEST(ScriptTest, EvaluatesOperatorsAsJavaScriptDoes) {
    const Pairs cases{
        {"1 + 2 * 3 - 4 / 2 % 3", "[5]"},
        {"'a' + 1 + 2, 1 + 2 + 'a', 'x' + null + undefined + true",
         R"(["a12","3a","xnullundefinedtrue"])"},
        {"0 || 'a', '' || null || 3, 1 && 2, 0 && x.y.z, null ?? 4, 0 ?? 4", R"(["a",3,2,0,4,0])"},
        {"1 ? 2 : nothing.there, 0 ? nothing() : 3", "[2,3]"},
        {"false ? 1 : true ? 2 : 3", "[2]"},
        {"1 === 1, '1' === 1, '1' == 1, null == undefined, null === undefined",
         "[true,false,true,true,false]"},
        {"1 !== 2, 'a' != 'b', 2 < 10, '2' < '10', 3 >= 3, NaN == NaN",
         "[true,true,true,false,true,false]"},
        {"!0, !!'a', -'3', +'0x10', +'', -(1 + 1)", "[true,true,-3,16,0,-2]"},
        {"(1, [2])[0]",
         "error: 1:21: a comma between expressions is not evaluated without node, "
         "install node or convert the file where it is"},
        {"0.1 + 0.2, 1 / 3, 100 * 1024 * 1024",
         "[0.30000000000000004,0.3333333333333333,104857600]"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(result(text), wanted) << text;
}

TEST(ScriptTest, KnowsTheEnvironmentAndSomeOfNode) {
    const Pairs cases{
        {"process.env.STAGE, process.env['STAGE'], process.env.MISSING || 'x', process.env.EMPTY",
         R"(["live","live","x",""])"},
        {"__dirname, __filename, process.cwd()",
         R"(["/srv/app dir","/srv/app dir/ecosystem.config.js","/srv/here"])"},
        {"require('path').join(__dirname, '..', 'logs', 'a.log')", R"(["/srv/logs/a.log"])"},
        {"require('node:path').resolve('a', '../b'), require('path').resolve('/x', 'y')",
         R"(["/srv/here/b","/x/y"])"},
        {"require('path').basename('/a/b.js', '.js'), require('path').dirname('/a/b.js'), "
         "require('path').extname('b.tar.gz')",
         R"(["b","/a",".gz"])"},
        {"require('os').cpus().length > 0, require('os').homedir()", R"([true,"/home/me"])"},
        {"parseInt('12px'), parseInt('0x1f'), parseInt('z'), Number('12'), Number('12px'), "
         "String(1.5), parseFloat('2.5rem'), Boolean('')",
         R"([12,31,null,12,null,"1.5",2.5,false])"},
        {"Math.max(1, 3, 2), Math.floor(7 / 2), Math.round(2.5)", "[3,3,3]"},
        {"Object.assign({}, {a: 1, b: 1}, null, {b: 2})", R"([{"a":1,"b":2}])"},
        {"process.env?.STAGE, null?.a.b.c, undefined?.[0]", R"(["live",null,null])"},
        {"{...process.env, A: 1}.STAGE", R"(["live"])"},
        {"[1, 2].length, 'äö'.length, ({a: {b: [5]}}).a.b[0], [1][7], {}.x", "[2,2,5,null,null]"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(result(text), wanted) << text;
}

TEST(ScriptTest, ReadsModules) {
    const Pairs cases{
        {"'use strict';\nconst a = 1, b = {x: a}\nlet c\nvar d = [...[a], 2];\n"
         "module.exports = {a, b, ...b, c, d}",
         R"({"a":1,"b":{"x":1},"x":1,"d":[1,2]})"},
        {"exports.apps = [1]; module.exports.deploy = {}", R"({"apps":[1],"deploy":{}})"},
        {"const { join, sep: slash } = require('path');\nmodule.exports = join('a', 'b') + slash",
         R"("a/b/")"},
        {"const { STAGE, LEVEL = 'info', EMPTY: e = 'no' } = process.env\n"
         "module.exports = [STAGE, LEVEL, e]",
         R"(["live","info",""])"},
        {"import path from 'node:path'\nimport { fileURLToPath } from 'url'\n"
         "const here = path.dirname(fileURLToPath(import.meta.url))\nexport default [here]",
         R"(["/srv/app dir"])"},
        {"import * as os from 'os'; import { join as j } from 'path';\n"
         "export default j('a', os.homedir())",
         R"("a/home/me")"},
        {"#!/usr/bin/env node\n/* a */ console.log('hello', 1)\nmodule.exports = 1 // b", "1"},
        {"module.exports = require('path').join(1)",
         "error: 1:38: a path is text, and this is a number"},
        {"", "error: 1:1: exports nothing, write module.exports = { apps: [...] }"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(evaluated(text), wanted) << text;
}

TEST(ScriptTest, ReadsJsonAsJavaScript) {
    const Pairs cases{
        {R"({"apps": [{"script": "a.js"}]})", R"({"apps":[{"script":"a.js"}]})"},
        {"// c\n{apps: ['a',], /* d */ b: .5,}\n", R"({"apps":["a"],"b":0.5})"},
        {"\xEF\xBB\xBF[1, -2]", "[1,-2]"},
        {"[1] [0]", "1"},
        {"{} {}", "error: 1:4: the file goes on with { behind its end"},
        {"require('fs')",
         "error: 1:1: `require`, which is not declared, has no place in JSON, "
         "write plain values"},
        {"{a: () => 1}", "error: 1:5: a function has no place in JSON, write plain values"},
        {"[1,, 2]", "error: 1:4: an element is missing in front of this comma"},
        {"{\"a\" 1}", "error: 1:6: : is missing in front of 1"},
        {"[1", "error: 1:3: , is missing in front of the end of the file"},
        {"", "error: 1:1: a value is missing in front of the end of the file"},
        {"[\n 'a\n']", "error: 2:2: this text has no end, write ' behind it"},
    };

    for (const auto& [text, wanted] : cases)
        EXPECT_EQ(json(text), wanted) << text;
}

TEST(ScriptTest, NamesWhatItDoesNotEvaluate) {
    constexpr std::array<std::string_view, 22> texts{
        "module.exports = () => ({})",
        "module.exports = { a() { return 1 } }",
        "module.exports = async function () {}",
        "function f() {}",
        "if (x) {}",
        "for (;;) {}",
        "module.exports = new Date()",
        "module.exports = require('fs')",
        "module.exports = require('./package.json').name",
        "require('dotenv').config()",
        "module.exports = 'a'.split(',')",
        "module.exports = tag`x`",
        "module.exports = missing",
        "let a = 1; a = 2",
        "let a = 1; a += 2",
        "module.exports = [1].map(x => x)",
        "module.exports = process.exit(1)",
        "module.exports = process.argv",
        "module.exports = 2 ** 3",
        "import fs from 'fs'",
        "export const a = 1",
        "module.exports = typeof 1",
    };

    for (const std::string_view text : texts) {
        const auto value = evaluate_script(text, options_of(ScriptOptions::Form::module));
        ASSERT_FALSE(value) << text;
        EXPECT_EQ(value.error().code(), Errc::invalid_argument);
        EXPECT_TRUE(value.error().message().starts_with("1:")) << value.error().message();
        EXPECT_TRUE(value.error().message().ends_with("install node or convert the file where it is"
        )) << text
           << ": " << value.error().message();
    }
}

TEST(ScriptTest, BoundsDepthAndSize) {
    const std::string deep = std::string(5000, '[') + std::string(5000, ']');
    EXPECT_EQ(json(deep).substr(0, 6), "error:");
    EXPECT_EQ(result(std::string(100'000, '!') + "1").substr(0, 6), "error:");
    EXPECT_EQ(result(std::string(100'000, '-') + "1").substr(0, 6), "error:");

    std::string doubled = "const a0 = ['xxxxxxxxxxxxxxxx'];\n";
    for (int i = 1; i < 60; ++i) {
        const std::string before = "a" + std::to_string(i - 1);
        doubled += "const a" + std::to_string(i) + " = [" + before + ", " + before + "];\n";
    }
    EXPECT_TRUE(evaluated(doubled + "module.exports = a59").contains("makes values of more than"));

    std::string text = "const t0 = 'xxxxxxxxxxxxxxxx';\n";
    for (int i = 1; i < 60; ++i) {
        const std::string before = "t" + std::to_string(i - 1);
        text += "const t" + std::to_string(i) + " = " + before + " + " + before + ";\n";
    }
    EXPECT_TRUE(evaluated(text + "module.exports = t59").contains("makes values of more than"));

    std::string members = "{";
    for (int i = 0; i < 3000; ++i)
        members += "k" + std::to_string(i) + ": 1,";
    EXPECT_TRUE(json(members + "}").contains("more than 2000 members"));

    std::string halves;
    for (const char* half : {"a", "b"}) {
        halves += std::string("const ") + half + " = {";
        for (int i = 0; i < 1500; ++i)
            halves += half + std::to_string(i) + ": 1,";
        halves += "};\n";
    }
    const std::string both = halves + "module.exports = Object.assign({}, a, b)";
    EXPECT_TRUE(evaluated(both).contains("more than 2000 members"));
    EXPECT_FALSE(evaluated(halves + "module.exports = Object.assign({}, a, a)").contains("error"));
}

TEST(ScriptTest, SurvivesEveryCutOfAFile) {
    constexpr std::string_view text =
        "const { join } = require('path')\nmodule.exports = { apps: [{ name: `a${1}`, "
        "ignore_watch: [/x[/]/g], env: {...process.env, A: 1 ? 'b' : \"c\"} /* d */ }] }";
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto value =
            evaluate_script(text.substr(0, size), options_of(ScriptOptions::Form::module));
        EXPECT_FALSE(value) << text.substr(0, size);
    }
    EXPECT_TRUE(evaluate_script(text, options_of(ScriptOptions::Form::module)));
}

TEST(ScriptTest, WritesNumbersAsJavaScriptDoes) {
    const std::vector<std::pair<double, std::string_view>> cases{
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {1e21, "1e+21"},
        {1e20, "100000000000000000000"},
        {123456789, "123456789"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.25e-9, "1.25e-9"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"}};
    for (const auto& [number, text] : cases)
        EXPECT_EQ(to_text(number), text);
}

}  // namespace
}  // namespace tranter::appfile
