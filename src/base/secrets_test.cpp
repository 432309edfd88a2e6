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

TEST(SecretsTest, NamesOfLogsAreSecretWhenTheySayPassword) {
    for (const char* name : {"DB_PASS", "PGPASS", "pass", "key-passphrase", "MYSQL_PWD_TOKEN"})
        EXPECT_TRUE(is_secret_name(name)) << name;
    for (const char* name : {"passed", "author", "key", "passes", "PWD", "path"})
        EXPECT_FALSE(is_secret_name(name)) << name;
    EXPECT_EQ(without_secrets("db_pass=x passed=3"), "db_pass=[redacted] passed=3");
}

TEST(SecretsTest, NamesOfSettingsAreSecretWhenTheyMayBe) {
    for (const char* name :
         {"DB_PASS",
          "PGPASS",
          "PASS",
          "SMTP_AUTH",
          "NPM_AUTH",
          "JWT",
          "GH_PAT",
          "PAT",
          "STRIPE_SK",
          "SLACK_WEBHOOK_URL",
          "HASH_SALT",
          "MYSQL_PWD",
          "ROOT_PW",
          "SENTRY_DSN",
          "COOKIE_NAME",
          "--db-pass",
          "dbPass",
          "ENCRYPTION_KEY"}) {
        EXPECT_TRUE(is_secret_setting(name)) << name;
    }
    for (const char* name : {"PATH", "LOG_PATH", "PWD", "OLDPWD", "TASK", "RISK", "PORT", "HOME"})
        EXPECT_FALSE(is_secret_setting(name)) << name;
    EXPECT_EQ(
        without_secrets("host=db AccountKey=a/b== n=1", is_secret_setting),
        "host=db AccountKey=[redacted] n=1"
    );
}

TEST(SecretsTest, HidesThePathOfWebhooks) {
    EXPECT_EQ(
        without_secrets("post to https://hooks.slack.com/services/T0/B0/abc, then"),
        "post to https://hooks.slack.com/services/[redacted], then"
    );
    EXPECT_EQ(
        without_secrets("https://discord.com/api/webhooks/1/abc?wait=1"),
        "https://discord.com/api/webhooks/[redacted]"
    );
    EXPECT_EQ(without_secrets("https://slack.com/services/T0"), "https://slack.com/services/T0");
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
