#include <tranter/provider.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <string>

namespace tranter {
namespace {

using testing::HasSubstr;

TEST(OpenProviderTest, OpensAStoreInMemory) {
    const auto provider = open_provider("memory:", {.virtual_time = true});

    ASSERT_TRUE(provider);
    EXPECT_EQ((*provider)->name(), "memory");
    EXPECT_NE((*provider)->virtual_time(), nullptr);
    EXPECT_NE((*provider)->async(), nullptr);
}

TEST(OpenProviderTest, SaysWhatIsWrongWithAUrl) {
    struct Wrong {
        const char* url;
        const char* why;
    };
    for (const Wrong& wrong : {
             Wrong{"", "must begin with memory:"},
             {"mail", "must begin with memory:"},
             {"memory:x", "nothing may follow"},
             {"file:", "needs the path"},
             {"file://host/path", "file: has no host"},
             {"memroy:", "did you mean memory?"},
             {"\x1b[2J:", "is none of"},
         }) {
        const auto refused = open_provider(wrong.url);

        ASSERT_FALSE(refused) << wrong.url;
        EXPECT_EQ(refused.error().code(), Errc::invalid_argument) << wrong.url;
        EXPECT_THAT(refused.error().message(), HasSubstr(wrong.why));
        EXPECT_EQ(refused.error().message().find('\x1b'), std::string::npos);
    }
}

class OpenFileTest : public testing::Test {
  public:
    ~OpenFileTest() override { std::filesystem::remove_all(folder_); }

  protected:
    OpenFileTest() { std::filesystem::create_directory(folder_); }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("tranter-open-" + std::to_string(::getpid()));
};

TEST_F(OpenFileTest, MakesAStoreUnlessItIsNotToAndSaysWhatIsMissingThen) {
    const std::string url = "file:" + (folder_ / "mail").string();
    ASSERT_TRUE(open_provider(url));
    EXPECT_TRUE(open_provider(url, {.create = false}));
    EXPECT_TRUE(open_provider(url + "/", {.create = false}));

    for (const char* ending : {"/mial", "/mial/"}) {
        const auto missing = open_provider("file:" + folder_.string() + ending, {.create = false});

        ASSERT_FALSE(missing);
        EXPECT_EQ(missing.error().code(), Errc::not_found);
        EXPECT_THAT(missing.error().message(), HasSubstr("/mial"));
        EXPECT_THAT(missing.error().message(), HasSubstr("(did you mean mail?)"));
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "mial"));
}

TEST_F(OpenFileTest, AnotherDirectoryIsNoStore) {
    const auto refused = open_provider("file:" + folder_.string(), {.create = false});

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::not_found);
    EXPECT_THAT(refused.error().message(), HasSubstr("holds no data of tranter"));
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST(OpenProviderTest, OnlyMemoryHasVirtualTime) {
    EXPECT_FALSE(open_provider("file:/tmp/x", {.virtual_time = true}));
    EXPECT_FALSE(open_provider("http://127.0.0.1:1", {.virtual_time = true}));
}

}  // namespace
}  // namespace tranter
