#include "appfile/path_text.hpp"

#include "appfile/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

namespace tranter::appfile {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Cases = std::vector<std::pair<std::string_view, std::string_view>>;

// What node prints for the same calls.
TEST(PathTextTest, NormalizesAsNodeDoes) {
    const Cases cases{
        {"", "."},
        {"/", "/"},
        {"a//b/./c", "a/b/c"},
        {"a/../..", ".."},
        {"/a/../..", "/"},
        {"./", "./"},
        {"a/b/", "a/b/"},
        {"../../a", "../../a"},
        {"/a/b/..", "/a"},
        {"..a/...", "..a/..."}};
    for (const auto& [path, wanted] : cases)
        EXPECT_EQ(normalize_path(path), wanted) << path;
}

TEST(PathTextTest, JoinsAndResolvesAsNodeDoes) {
    EXPECT_EQ(join_paths({}), ".");
    EXPECT_EQ(join_paths({"a", "", "../b", "/c"}), "b/c");
    EXPECT_EQ(join_paths({"/a", "..", "..", "b/"}), "/b/");
    EXPECT_EQ(resolve_path("/x", std::vector<std::string>{}), "/x");
    EXPECT_EQ(resolve_path("/x", {"a", "/b", "c/", ".."}), "/b");
    EXPECT_EQ(resolve_path("/x/y", "../../../z/"), "/z");
}

TEST(PathTextTest, TakesPathsApartAsNodeDoes) {
    const Cases directories{
        {"", "."}, {"a", "."}, {"/a", "/"}, {"/a/b/", "/a"}, {"a//b", "a/"}, {"/", "/"}};
    for (const auto& [path, wanted] : directories)
        EXPECT_EQ(directory_of(path), wanted) << path;
    const Cases extensions{
        {"a.js", ".js"}, {".rc", ""}, {"a.", "."}, {"a.tar.gz", ".gz"}, {"..", ""}};
    for (const auto& [path, wanted] : extensions)
        EXPECT_EQ(extension_of(path), wanted) << path;
    EXPECT_EQ(base_name("/a/b.js"), "b.js");
    EXPECT_EQ(base_name("/a/b.js/", ".js"), "b");
    EXPECT_EQ(base_name(".js", ".js"), "");
    EXPECT_EQ(base_name("/a/.js", ".js"), ".js");
}

TEST(WordsTest, DividesAtBlanksOutsideOfQuotes) {
    EXPECT_THAT(split_words("  a  'b c'd \"e 'f'\" '' "), ElementsAre("a", "b cd", "e 'f'", ""));
    EXPECT_THAT(split_words("a\\ b 'open"), ElementsAre("a\\", "b", "open"));
    EXPECT_THAT(split_words(" \t\n"), IsEmpty());
}

TEST(WordsTest, KnowsWhatOnlyAShellUnderstands) {
    for (const char* text :
         {"a $B", "a | b", "A=1 b", "a > c", "a; b", "a *.c", "a && b", "`a`", "~/a"})
        EXPECT_TRUE(needs_shell(text)) << text;
    for (const char* text : {"bundle exec rails server -p 3000", "node a.js --x=1", "./a 'b c'"})
        EXPECT_FALSE(needs_shell(text)) << text;
}

}  // namespace
}  // namespace tranter::appfile
