#include <tranter/provider.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(OpenProviderTest, OnlyMemoryHasVirtualTime) {
    EXPECT_FALSE(open_provider("file:/tmp/x", {.virtual_time = true}));
    EXPECT_FALSE(open_provider("http://127.0.0.1:1", {.virtual_time = true}));
}

}  // namespace
}  // namespace tranter
