#include "http/address_rules.hpp"
#include "http/client.hpp"
#include "http/test_peer.hpp"
#include "http/test_sender.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tranter::http {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view good_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

ClientRequest request_to(const TestPeer& peer, std::string_view host = "127.0.0.1") {
    ClientRequest request;
    request.url = "http://" + std::string(host) + ":" + std::to_string(peer.port()) + "/a?b";
    request.timeout = 20s;
    return request;
}

std::string result_of(const Result<ClientResponse>& answer) {
    return answer ? std::to_string(answer->status) + " " + answer->body : answer.error().message();
}

/// Answers every request of every connection the same, as long as it asks.
TestPeer::Serve always(std::string answer) {
    return [answer = std::move(answer)](TestSocket& connection, int) {
        while (!connection.read_answer().empty())
            connection.send(answer);
    };
}

/// Servers that do what servers should not, and what becomes of a request to them.
class ClientPeerTest : public testing::TestWithParam<By> {};

INSTANTIATE_TEST_SUITE_P(Http, ClientPeerTest, by_both(), name_of_sender);

TEST_P(ClientPeerTest, IsNotHeldUpByAServerThatDrips) {
    TestPeer peer([](TestSocket& connection, int) {
        connection.read_answer();
        connection.send("HTTP/1.1 200 OK\r\nX: ");
        while (connection.send("x") && !connection.wait_for_input(5ms)) {
        }
    });
    Sender sender(GetParam());
    auto request = request_to(peer);
    request.timeout = 100ms;

    EXPECT_EQ(sender.send(request).error().code(), Errc::timed_out);
}

TEST_P(ClientPeerTest, ReadsNoEndlessHeaders) {
    for (const std::string_view piece : {"X-A: b\r\n", "x"}) {
        TestPeer peer([piece](TestSocket& connection, int) {
            connection.read_answer();
            connection.send("HTTP/1.1 200 OK\r\n");
            std::string many;
            while (many.size() < 65536)
                many += piece;
            while (connection.send(many)) {
            }
        });
        Sender sender(GetParam());

        const auto answer = sender.send(request_to(peer));

        ASSERT_FALSE(answer);
        EXPECT_NE(answer.error().code(), Errc::timed_out) << answer.error().message();
    }
}

TEST_P(ClientPeerTest, DoesNotWaitForeverForTheRealAnswer) {
    TestPeer peer([](TestSocket& connection, int) {
        connection.read_answer();
        while (connection.send("HTTP/1.1 100 Continue\r\n\r\n")) {
        }
    });
    Sender sender(GetParam());

    EXPECT_EQ(sender.send(request_to(peer)).error().code(), Errc::limit_exceeded);
}

TEST_P(ClientPeerTest, SaysThatAnAnswerWasCutOff) {
    for (const std::string_view part :
         {"",
          "HTTP/1.1 200",
          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
        TestPeer peer([part](TestSocket& connection, int) {
            connection.read_answer();
            connection.send(part);
        });
        Sender sender(GetParam());

        const auto answer = sender.send(request_to(peer));

        ASSERT_FALSE(answer) << part;
        EXPECT_EQ(answer.error().code(), Errc::unavailable) << answer.error().message();
        EXPECT_EQ(peer.connections(), 1) << part;
    }
}

TEST_P(ClientPeerTest, TakesAWholeAnswerOnAConnectionThatCloses) {
    TestPeer peer([](TestSocket& connection, int) {
        connection.read_answer();
        connection.send("HTTP/1.1 200 OK\r\n\r\nall of it");
    });
    Sender sender(GetParam());

    EXPECT_EQ(result_of(sender.send(request_to(peer))), "200 all of it");
    EXPECT_EQ(result_of(sender.send(request_to(peer))), "200 all of it");
    EXPECT_EQ(peer.connections(), 2);
}

TEST_P(ClientPeerTest, SendsAgainWhatAKeptConnectionDidNotTake) {
    std::promise<std::string> again;
    TestPeer peer([&](TestSocket& connection, int number) {
        std::string request = connection.read_answer();
        connection.send(good_answer);
        // The race that every client has: closed when the next request is on its way.
        if (number == 1) {
            connection.read_answer();
        } else {
            again.set_value(std::move(request));
        }
    });
    Sender sender(GetParam());
    auto request = request_to(peer);
    EXPECT_EQ(result_of(sender.send(request)), "200 ok");
    request.method = "POST";
    request.body = "do it";

    EXPECT_EQ(result_of(sender.send(request)), "200 ok");
    EXPECT_TRUE(again.get_future().get().ends_with("\r\n\r\ndo it"));
    EXPECT_EQ(peer.connections(), 2);
}

TEST_P(ClientPeerTest, KnowsWhichAnswersHaveNoBody) {
    TestPeer peer([](TestSocket& connection, int) {
        for (;;) {
            const std::string request = connection.read_answer();
            if (request.empty()) return;
            const bool head = request.starts_with("HEAD");
            connection.send(
                head ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                     : "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"
            );
        }
    });
    Sender sender(GetParam());
    auto request = request_to(peer);
    for (const auto* method : {"HEAD", "GET", "HEAD"}) {
        request.method = method;
        const auto answer = sender.send(request);
        ASSERT_TRUE(answer) << answer.error().message();
        EXPECT_EQ(answer->body, "");
    }
    EXPECT_EQ(peer.connections(), 1);
}

TEST_P(ClientPeerTest, MovesMuchInBothDirections) {
    const std::string large(8'000'000, 'x');
    TestPeer peer([&](TestSocket& connection, int) {
        const std::string request = connection.read_answer();
        const auto body = request.substr(request.find("\r\n\r\n") + 4);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()));
        connection.send("\r\n\r\n" + body);
    });
    Sender sender(GetParam());
    auto request = request_to(peer);
    request.method = "POST";
    request.body = large;

    const auto answer = sender.send(request);

    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body.size(), large.size());
    EXPECT_TRUE(answer->body == large);
}

TEST_P(ClientPeerTest, TakesAnAnswerThatComesBeforeEverythingWasSent) {
    TestPeer peer([](TestSocket& connection, int) {
        connection.read_bytes(100);
        connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        connection.half_close();
        connection.read_all();
    });
    Sender sender(GetParam());
    auto request = request_to(peer);
    request.method = "POST";
    request.body.assign(50'000'000, 'x');

    EXPECT_EQ(result_of(sender.send(request)), "413 no");
}

TEST_P(ClientPeerTest, TriesEveryAddressOfAName) {
    TestPeer peer(always(std::string(good_answer)));
    Sender sender(GetParam());

    EXPECT_EQ(result_of(sender.send(request_to(peer, "localhost"))), "200 ok");
}

TEST_P(ClientPeerTest, AForbiddenAddressDoesNotHideThatTheAllowedOneIsDown) {
    const Descriptor closed(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(closed.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(closed.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    ClientRequest request;
    request.url = "http://localhost:" + std::to_string(ntohs(address.sin_port)) + "/";
    request.timeout = 20s;
    request.may_connect = [](const sockaddr& to) {
        return to.sa_family == AF_INET;
    };
    Sender sender(GetParam());

    const auto answer = sender.send(request);

    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), Errc::unavailable) << answer.error().message();
}

TEST_P(ClientPeerTest, ConnectsToIpv6) {
    TestPeer peer(always(std::string(good_answer)), AF_INET6);
    if (!peer.listens()) GTEST_SKIP() << "no IPv6 here";

    // One sender for each: the peer does not look at a connection while another is kept.
    for (const auto* host : {"[::1]", "localhost"}) {
        Sender sender(GetParam());
        EXPECT_EQ(result_of(sender.send(request_to(peer, host))), "200 ok");
    }
}

/// A port on which nobody accepts: its queue is full, and the kernel drops what comes.
class DeafPort {
  public:
    DeafPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        socklen_t size = sizeof address_;
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address_), size);
        ::listen(socket_.get(), 0);
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_), &size);
        for (int i = 0; i < 4; ++i)
            fill();
    }
    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/";
    }

  private:
    void fill() {
        constexpr int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
        fillers_.emplace_back(::socket(AF_INET, type, 0));
        ::connect(
            fillers_.back().get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_
        );
    }

    sockaddr_in address_{};
    Descriptor socket_;
    std::vector<Descriptor> fillers_{};
};

TEST_P(ClientPeerTest, GivesUpConnecting) {
    const DeafPort deaf;
    Sender sender(GetParam());
    ClientRequest request;
    request.url = deaf.url();
    request.timeout = 50ms;
    EXPECT_EQ(sender.send(request).error().code(), Errc::timed_out);

    std::stop_source stop;
    request.timeout = Duration::max();
    request.stop = stop.get_token();
    request.farewell = 10s;
    const std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_EQ(sender.send(request).error().code(), Errc::cancelled);
}

/// libcurl takes it now and then.
TEST(ClientPeer, TakesNothingForAnAnswerThatCameBeforeItsRequest) {
    for (const bool at_once : {true, false}) {
        std::promise<void> late;
        TestPeer peer([&](TestSocket& connection, int number) {
            const std::string answer(good_answer);
            const std::string evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
            connection.read_answer();
            connection.send(at_once ? answer + evil : answer);
            if (!at_once) connection.send(evil);
            if (number == 1) late.set_value();
            connection.read_answer();
        });
        Client client;
        EXPECT_EQ(result_of(client.send(request_to(peer))), "200 ok");
        late.get_future().wait();

        EXPECT_EQ(result_of(client.send(request_to(peer))), "200 ok");
        EXPECT_EQ(peer.connections(), 2);
    }
}

/// libcurl takes one byte for a whole answer.
TEST(ClientPeer, DoesNotSendAgainWhatWasBegunToBeAnswered) {
    TestPeer peer([](TestSocket& connection, int) {
        connection.read_answer();
        connection.send(good_answer);
        connection.read_answer();
        connection.send("H");
    });
    Client client;
    EXPECT_EQ(result_of(client.send(request_to(peer))), "200 ok");

    const auto answer = client.send(request_to(peer));

    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), Errc::unavailable);
    EXPECT_EQ(peer.connections(), 1);
}

TEST(ClientPeer, AsksAgainWhetherAKeptConnectionMayBeUsed) {
    TestPeer peer(always(std::string(good_answer)));
    Client client;
    EXPECT_EQ(result_of(client.send(request_to(peer))), "200 ok");
    auto guarded = request_to(peer);
    guarded.may_connect = [](const sockaddr& to) {
        return AddressRules{}.may_connect(to);
    };

    EXPECT_EQ(client.send(guarded).error().code(), Errc::permission_denied);
    EXPECT_EQ(peer.connections(), 1);
}

TEST(ClientPeer, NamesTheRequestInItsErrors) {
    TestPeer peer([](TestSocket&, int) {});
    auto request = request_to(peer);
    request.url += "&token=secret";

    EXPECT_EQ(
        Client().send(request).error().message(),
        "GET http://127.0.0.1:" + std::to_string(peer.port()) +
            "/a: the connection was closed without an answer"
    );
}

TEST(ClientPeer, SaysThatNoDescriptorIsLeft) {
    TestPeer peer(always(std::string(good_answer)));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(next.get());
    std::stop_source stop;
    auto request = request_to(peer);

    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto plain = Client().send(request);
    request.stop = stop.get_token();
    const auto stoppable = Client().send(request);
    ::setrlimit(RLIMIT_NOFILE, &before);

    for (const auto* answer : {&plain, &stoppable}) {
        ASSERT_FALSE(*answer);
        EXPECT_EQ(answer->error().code(), Errc::unavailable);
        EXPECT_NE(answer->error().message().find("Too many open files"), std::string::npos);
    }
}

/// Sets a variable of the environment for as long as it lives.
class Variable {
  public:
    Variable(const char* name, const std::string& value) : name_(name) {
        ::setenv(name, value.c_str(), 1);
    }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* name_;
};

TEST(ClientPeer, GoesThroughAProxyWhenTheEnvironmentNamesOne) {
    std::promise<std::string> seen;
    TestPeer proxy([&](TestSocket& connection, int) {
        seen.set_value(connection.read_answer());
        connection.send(good_answer);
    });
    const Variable http_proxy("http_proxy", "http://127.0.0.1:" + std::to_string(proxy.port()));
    ClientRequest request;
    request.url = "http://unknown.invalid/a";

    EXPECT_EQ(result_of(Client().send(request)), "200 ok");
    EXPECT_TRUE(seen.get_future().get().starts_with("GET http://unknown.invalid/a HTTP/1.1\r\n"));

    const Variable no_proxy("no_proxy", "127.0.0.1");
    request.url = "http://0x7f.1:1/";
    EXPECT_EQ(Client().send(request).error().code(), Errc::unavailable);
    EXPECT_EQ(proxy.connections(), 1);
}

TEST(ClientPeer, GoesThroughNoProxyToThisMachineOrWhereAddressesAreWatched) {
    TestPeer peer(always(std::string(good_answer)));
    const Variable http_proxy("http_proxy", "http://127.0.0.1:1");
    EXPECT_EQ(result_of(Client().send(request_to(peer))), "200 ok");
    auto guarded = request_to(peer);
    guarded.url = "http://[::ffff:127.0.0.1]:" + std::to_string(peer.port()) + "/";
    guarded.may_connect = [](const sockaddr&) {
        return true;
    };
    EXPECT_EQ(result_of(Client().send(guarded)), "200 ok");
}

}  // namespace
}  // namespace tranter::http
