#include "http/address_rules.hpp"

#include "http/client.hpp"
#include "http/server.hpp"

#include <gtest/gtest.h>

namespace tranter::http {
namespace {

IpAddress ip(std::string_view text) {
    return parse_subnet(text).value().address;
}

TEST(AddressRules, KnowsWhatIsNotPublic) {
    for (const auto* text :
         {"0.0.0.0",
          "10.1.2.3",
          "100.64.0.1",
          "127.0.0.1",
          "127.1.2.3",
          "169.254.169.254",
          "172.16.0.1",
          "172.31.255.255",
          "192.0.0.1",
          "192.168.1.1",
          "198.18.0.1",
          "198.19.255.255",
          "224.0.0.1",
          "255.255.255.255",
          "::",
          "::1",
          "::ffff:127.0.0.1",
          "::ffff:10.0.0.1",
          "64:ff9b::7f00:1",
          "2002:7f00:1::",
          "2001:0:1::",
          "2001:db8::1",
          "fe80::1",
          "fd00:ec2::254",
          "ff02::1",
          "5f00::1",
          "3fff::1"}) {
        EXPECT_FALSE(is_public(ip(text))) << text;
    }
}

TEST(AddressRules, KnowsWhatIsPublic) {
    for (const auto* text :
         {"8.8.8.8",
          "1.1.1.1",
          "172.32.0.1",
          "100.128.0.1",
          "192.0.1.1",
          "::ffff:8.8.8.8",
          "2600::1",
          "2a00:1450::1"}) {
        EXPECT_TRUE(is_public(ip(text))) << text;
    }
}

TEST(AddressRules, ReadsSubnets) {
    EXPECT_TRUE(parse_subnet("10.1.0.0/16")->contains(ip("10.1.255.1")));
    EXPECT_FALSE(parse_subnet("10.1.0.0/16")->contains(ip("10.2.0.1")));
    EXPECT_TRUE(parse_subnet("10.128.0.0/9")->contains(ip("10.200.0.1")));
    EXPECT_FALSE(parse_subnet("10.128.0.0/9")->contains(ip("10.127.0.1")));
    EXPECT_TRUE(parse_subnet("0.0.0.0/0")->contains(ip("8.8.8.8")));
    EXPECT_FALSE(parse_subnet("0.0.0.0/0")->contains(ip("::1")));
    for (const auto* text :
         {"",
          "10.0.0.0/33",
          "10.0.0.0/",
          "10.0.0.0/x",
          "10.0.0",
          "fd00::/129",
          "localhost",
          "10.0.0.0/8 "}) {
        EXPECT_FALSE(parse_subnet(text)) << text;
    }
}

Server answering() {
    return Server({}, [](const Request&, Exchange exchange) {
        std::move(exchange).respond({.status = 200, .body = "reached"});
    });
}

TEST(Client, DoesNotConnectWhereItMayNot) {
    Server server = answering();
    server.start();
    Client client;
    const AddressRules rules;
    for (const auto* host :
         {"127.0.0.1",
          "localhost",
          "127.1",
          "2130706433",
          "0x7f000001",
          "0177.0.0.1",
          "[::ffff:127.0.0.1]"}) {
        const auto answer = client.send(
            {.url = "http://" + std::string(host) + ":" + std::to_string(server.port()) + "/",
             .may_connect =
                 [&](const sockaddr& to) {
                     return rules.may_connect(to);
                 }}
        );
        ASSERT_FALSE(answer) << host;
        EXPECT_EQ(answer.error().code(), Errc::permission_denied)
            << host << ": " << answer.error().message();
    }
    server.stop(Duration{});
}

TEST(Client, ConnectsWhereASubnetAllowsIt) {
    Server server = answering();
    server.start();
    Client client;
    const AddressRules rules{.allowed = {parse_subnet("127.0.0.0/8").value()}};
    const auto answer = client.send(
        {.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/",
         .may_connect =
             [&](const sockaddr& to) {
                 return rules.may_connect(to);
             }}
    );
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "reached");
    server.stop(Duration{});
}

TEST(Client, ReadsNoMoreThanItMay) {
    Server server = answering();
    server.start();
    Client client;
    const auto answer = client.send(
        {.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/", .body_bytes_max = 3}
    );
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), Errc::limit_exceeded);
    server.stop(Duration{});
}

}  // namespace
}  // namespace tranter::http
