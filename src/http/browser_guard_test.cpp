#include "http/browser_guard.hpp"

#include <gtest/gtest.h>

namespace tranter::http {
namespace {

TEST(BrowserGuard, AcceptsHostsThatNoPageCanTakeOver) {
    const BrowserRules rules;
    for (const char* host :
         {"127.0.0.1",
          "127.0.0.1:9324",
          "10.1.2.3:80",
          "[::1]:9324",
          "[fe80::1]",
          "localhost",
          "LocalHost:9324",
          "localhost.",
          "localhost.:9324",
          "sqs",
          "my-queue-1:9324"}) {
        EXPECT_TRUE(host_allowed(host, rules)) << host;
    }
}

TEST(BrowserGuard, RefusesEveryOtherHost) {
    const BrowserRules rules;
    for (const char* host :
         {"attacker.example",
          "attacker.example:9324",
          "localhost@evil.example",
          "evil@localhost",
          "2130706433",
          "2130706433:9324",
          "0x7f000001",
          "127.1",
          "0177.0.0.1",
          "127.0.0.1.",
          "127.0.0.1.nip.io",
          "[::1",
          "[localhost]",
          "::1",
          "",
          ":80",
          "localhost:",
          "localhost:x",
          "localhost:123456",
          "a b",
          "localhost..",
          "local_host",
          "evil.",
          "127.0.0.1:80:90"}) {
        EXPECT_FALSE(host_allowed(host, rules)) << host;
    }
}

TEST(BrowserGuard, AcceptsConfiguredHosts) {
    const BrowserRules rules{.allowed_hosts = {"queue.example.com", "*.internal"}};

    EXPECT_TRUE(host_allowed("Queue.example.com:80", rules));
    EXPECT_TRUE(host_allowed("a.b.internal", rules));
    EXPECT_FALSE(host_allowed("x.queue.example.com", rules));
    EXPECT_FALSE(host_allowed("internal.evil", rules));
    EXPECT_FALSE(host_allowed("evilinternal.example", rules));
}

BrowserFacts facts_of(std::string_view method, std::string_view origin, std::string_view site) {
    return {
        .method = method,
        .host = "127.0.0.1:9324",
        .target_authority = {},
        .has_origin = !origin.empty(),
        .origin = origin,
        .fetch_site = site,
    };
}

TEST(BrowserGuard, RefusesOtherSitesForEveryMethod) {
    const BrowserRules rules;
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
        for (const char* origin :
             {"https://evil.example",
              "null",
              "http://127.0.0.1:9325",
              "http://localhost:9324",
              "file://127.0.0.1:9324",
              "http://127.0.0.1:9324.evil.example"}) {
            EXPECT_EQ(check_browser(facts_of(method, origin, ""), rules).status, 403) << origin;
        }
        EXPECT_EQ(check_browser(facts_of(method, "", "cross-site"), rules).status, 403);
        EXPECT_EQ(check_browser(facts_of(method, "", "Same-Site"), rules).status, 403);
    }
}

TEST(BrowserGuard, RefusesAnEmptyOrigin) {
    BrowserFacts facts = facts_of("POST", "", "");
    facts.has_origin = true;

    EXPECT_EQ(check_browser(facts, {}).status, 403);
}

TEST(BrowserGuard, LetsProgramsAndItsOwnPagesPass) {
    const BrowserRules rules;

    EXPECT_EQ(check_browser(facts_of("POST", "", ""), rules).status, 0);
    EXPECT_EQ(check_browser(facts_of("GET", "", "none"), rules).status, 0);
    EXPECT_EQ(
        check_browser(facts_of("DELETE", "http://127.0.0.1:9324", "same-origin"), rules).status, 0
    );
}

TEST(BrowserGuard, RefusesAReboundNameWhateverTheBrowserSaysAboutIt) {
    BrowserFacts facts = facts_of("POST", "http://rebind.example:9324", "same-origin");
    facts.host = "rebind.example:9324";

    EXPECT_EQ(check_browser(facts, {}).status, 421);
}

TEST(BrowserGuard, LetsNoHostPassBecauseAnotherDid) {
    const BrowserRules rules;
    BrowserGuard guard(rules);
    const BrowserFacts good = facts_of("POST", "", "");
    BrowserFacts bad = good;
    bad.host = "rebind.example:9324";

    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(guard.check(good).status, 0);
        EXPECT_EQ(guard.check(good).status, 0);
        EXPECT_EQ(guard.check(bad).status, 421);
        EXPECT_EQ(guard.check(bad).status, 421);
    }
}

TEST(BrowserGuard, ChecksTheAuthorityOfAnAbsoluteTarget) {
    BrowserFacts facts = facts_of("GET", "", "");
    facts.target_authority = "evil.example";

    EXPECT_EQ(check_browser(facts, {}).status, 421);
}

TEST(BrowserGuard, LetsConfiguredOriginsPassAndNamesOnlyThem) {
    const BrowserRules rules{.cors_origins = {"https://app.example"}};

    EXPECT_EQ(
        check_browser(facts_of("POST", "https://app.example", "cross-site"), rules).status, 0
    );
    EXPECT_EQ(check_browser(facts_of("POST", "https://b.example", ""), rules).status, 403);
    EXPECT_TRUE(cors_lines("https://app.example", rules)
                    .starts_with("Access-Control-Allow-Origin: https://app.example\r\nVary: "));
}

TEST(BrowserGuard, RepeatsRequestedHeadersOnlyIfTheyAreNames) {
    EXPECT_NE(
        preflight_lines("x-amz-target, content-type").find("x-amz-target"), std::string::npos
    );
    EXPECT_EQ(preflight_lines("a\"b").find("Allow-Headers"), std::string::npos);
    EXPECT_EQ(preflight_lines("a").find("Private-Network"), std::string::npos);
}

}  // namespace
}  // namespace tranter::http
