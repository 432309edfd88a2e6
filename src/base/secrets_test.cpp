#include "base/secrets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter {
namespace {

TEST(SecretsTest, HidesPasswordsInUrls) {
    EXPECT_EQ(
        without_secrets("cannot reach http://ann:hunter2@host:80/a?b=c now"),
        "cannot reach http://ann:[redacted]@host:80/a?b=c now"
    );
    EXPECT_EQ(without_secrets("https://abcdef@host"), "https://[redacted]@host");
    EXPECT_EQ(without_secrets("http://a:p@q@host/x@y"), "http://a:[redacted]@host/x@y");
    EXPECT_EQ(without_secrets("http://host/x@y"), "http://host/x@y");
    EXPECT_EQ(without_secrets("http://"), "http://");
}

TEST(SecretsTest, HidesCredentialsOfHeadersAndSecretsOfWebhooks) {
    EXPECT_EQ(
        without_secrets("Authorization: Bearer abcdefgh.ijk, more"),
        "Authorization: Bearer [redacted], more"
    );
    EXPECT_EQ(without_secrets("bearer 0123456789"), "bearer [redacted]");
    EXPECT_EQ(without_secrets("it is a basic idea"), "it is a basic idea");
    EXPECT_EQ(without_secrets("secrets whsec_MfKQ9r8= bad"), "secrets [redacted] bad");
}

TEST(SecretsTest, HidesValuesOfNamesThatSaySo) {
    EXPECT_EQ(
        without_secrets("GET /?X-Amz-Signature=abc&n=1&access_token=x;"),
        "GET /?X-Amz-Signature=[redacted]&n=1&access_token=[redacted];"
    );
    EXPECT_EQ(
        without_secrets(R"({"password":"a b","n":"c"})"), R"({"password":"[redacted]","n":"c"})"
    );
    EXPECT_EQ(without_secrets(R"({"api_key": "a)"), R"({"api_key": "[redacted])");
    EXPECT_EQ(without_secrets("DB_PASSWORD='a b' x"), "DB_PASSWORD='[redacted]' x");
    EXPECT_EQ(without_secrets("token: expected text"), "token: expected text");
    EXPECT_EQ(without_secrets("a=b key=c ="), "a=b key=c =");
}

TEST(SecretsTest, HidesWhatItWasToldWhereverItStands) {
    hide_secret("correct-horse");
    hide_secret("correct-horse-battery");
    hide_secret("short");

    EXPECT_EQ(
        without_secrets("xcorrect-horse-batteryx correct-horse short"),
        "x[redacted]x [redacted] short"
    );
}

}  // namespace
}  // namespace tranter
