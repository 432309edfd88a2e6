#include "http/plain_url.hpp"

#include <gtest/gtest.h>

namespace tranter::http {
namespace {

TEST(PlainUrl, TakesAUrlApart) {
    const auto url = read_plain_url("http://Example.test:8080/a/b?c=d#e").value();
    EXPECT_EQ(url.authority, "Example.test:8080");
    EXPECT_EQ(url.host, "Example.test");
    EXPECT_EQ(url.port, 8080);
    EXPECT_EQ(url.target, "/a/b?c=d");

    EXPECT_EQ(read_plain_url("HTTP://a").value().port, 80);
    EXPECT_EQ(read_plain_url("http://a?b").value().target, "?b");
    EXPECT_EQ(read_plain_url("http://a#/b").value().target, "");
    EXPECT_EQ(read_plain_url("http://[::1]:9325/").value().host, "::1");
    EXPECT_EQ(read_plain_url("http://[::1]:9325/").value().authority, "[::1]:9325");
    EXPECT_EQ(read_plain_url("http://a/?b=/../c").value().target, "/?b=/../c");
}

TEST(PlainUrl, LeavesWhatIsUnusualToLibcurl) {
    for (const auto* url :
         {"https://a/",
          "http://",
          "http:///a",
          "http://a:/",
          "http://a:0/",
          "http://a:65536/",
          "http://a:80x/",
          "http://a:-1/",
          "http://[::1/",
          "http://[::1]x/",
          "http://[]/",
          "http://[fe80::1%25eth0]/",
          "http://b\xc3\xbc"
          "cher.test/",
          "http://a%62c/",
          "http://a,b/",
          "http://a/\xc3\xbc",
          "http://a/b/../c",
          "http://a/./c",
          "http://a\\b/"}) {
        EXPECT_FALSE(read_plain_url(url).has_value()) << url;
    }
}

TEST(PlainUrl, KnowsThisMachine) {
    for (const auto* url :
         {"http://127.0.0.1/", "https://127.1.2.3:80", "http://localhost:1/", "http://[::1]/a"}) {
        EXPECT_TRUE(is_loopback_url(url)) << url;
    }
    for (const auto* url : {"http://localhost.example/", "http://10.0.0.1/", "https://[::2]/"}) {
        EXPECT_FALSE(is_loopback_url(url)) << url;
    }
}

}  // namespace
}  // namespace tranter::http
