#include "supervise/descendants.hpp"
#include "supervise/test_probing.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>

// Kinds of probes that ask: tcp, http, exec.
namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;

/// A server on the loop of the test, which says what it is told to say to each who connects.
class SmallServer {
  public:
    SmallServer(EventLoop& loop, std::string answer, int family = AF_INET)
        : loop_(loop),
          answer_(std::move(answer)),
          socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_addr = in6addr_loopback;
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* address = family == AF_INET ? reinterpret_cast<sockaddr*>(&four)
                                          : reinterpret_cast<sockaddr*>(&six);
        socklen_t size = family == AF_INET ? sizeof four : sizeof six;
        is_there_ = ::bind(socket_.get(), address, size) == 0 && ::listen(socket_.get(), 16) == 0 &&
                    ::getsockname(socket_.get(), address, &size) == 0;
        port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
        if (is_there_) loop_.watch(socket_.get(), [this] { accept(); });
    }
    ~SmallServer() {
        for (const auto& [fd, asked] : asked_)
            close(fd);
        loop_.unwatch(socket_.get());
    }
    SmallServer(const SmallServer&) = delete;
    SmallServer& operator=(const SmallServer&) = delete;

    explicit operator bool() const { return is_there_; }
    std::string at(const std::string& host) const { return host + ":" + std::to_string(port); }

    std::uint16_t port = 0;
    int connections = 0;
    std::string last_request{};
    std::string answer() const { return answer_; }
    void say(std::string answer) { answer_ = std::move(answer); }

  private:
    void close(int fd) {
        loop_.unwatch(fd);
        ::close(fd);
    }
    void accept() {
        const int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        ++connections;
        asked_[fd];
        loop_.watch(fd, [this, fd] { read(fd); });
    }
    void read(int fd) {
        std::array<char, 4096> bytes{};
        const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
        if (got > 0) asked_[fd].append(bytes.data(), static_cast<std::size_t>(got));
        if (got > 0 && !asked_[fd].ends_with("\r\n\r\n")) return;
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) {
            last_request = asked_[fd];
            // "...": says nothing more, and does not close.
            if (answer_ == "...") return;
            [[maybe_unused]] const auto sent =
                ::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
        }
        asked_.erase(fd);
        close(fd);
    }

    EventLoop& loop_;
    std::string answer_;
    Descriptor socket_;
    bool is_there_ = false;
    std::map<int, std::string> asked_{};
};

using TcpProbeTest = ProbingTest;

TEST_F(TcpProbeTest, IsReadyOnceSomebodyListens) {
    std::optional<SmallServer> server(std::in_place, *loop, "");
    const std::uint16_t port = server->port;
    server.reset();
    app.readiness.probe.kind = Probe::Kind::tcp;
    app.readiness.probe.target = "127.0.0.1:" + std::to_string(port);
    ASSERT_EQ(trouble(), "");

    probing->watch_readiness();
    for (int i = 0; i < 5; ++i)
        loop->run_once(loop->now() + 20ms);
    EXPECT_EQ(ready, 0);
    // The port may be somebody else's by now.
    server.emplace(*loop, "");
    app.readiness.probe.target = server->at("127.0.0.1");
    ASSERT_EQ(trouble(), "");
    probing->watch_readiness();
    run_until_ready();

    EXPECT_EQ(ready, 1);
    EXPECT_TRUE(failures.empty());
}

TEST_F(TcpProbeTest, FindsLocalhostByBothOfItsNumbers) {
    SmallServer server(*loop, "", AF_INET6);
    if (!server) GTEST_SKIP() << "there is no IPv6 here";
    app.readiness.probe.kind = Probe::Kind::tcp;
    for (const char* host : {"localhost", "[::1]"}) {
        ready = 0;
        app.readiness.probe.target = server.at(host);
        ASSERT_EQ(trouble(), "");
        probing->watch_readiness();
        run_until_ready();
    }
    EXPECT_GE(server.connections, 1);
}

TEST_F(TcpProbeTest, FailsAfterSoManyTriesInSuccession) {
    std::optional<SmallServer> server(std::in_place, *loop, "");
    app.liveness.kind = Probe::Kind::tcp;
    app.liveness.failures_max = 3;
    app.liveness.target = server->at("127.0.0.1");
    ASSERT_EQ(trouble(), "");
    probing->watch_liveness();
    run_until([&] { return server->connections >= 5; });
    EXPECT_TRUE(failures.empty());

    const std::string target = server->at("127.0.0.1");
    server.reset();
    run_until_failed();

    EXPECT_EQ(failures[0], "tcp probe of " + target + " failed 3 times: Connection refused");
    EXPECT_EQ(failures.size(), 1U);
}

TEST_F(TcpProbeTest, SaysWhatIsNoAddress) {
    app.readiness.probe.kind = Probe::Kind::tcp;
    for (const char* wrong :
         {"",
          "127.0.0.1",
          "127.0.0.1:0",
          "127.0.0.1:65536",
          "127.0.0.1:x",
          "::1:80",
          "[::1]",
          "[127.0.0.1:80",
          "example.com:80",
          "[localhost]:80",
          "1:2:3",
          ":80",
          "127.1:80"}) {
        app.readiness.probe.target = wrong;
        EXPECT_NE(trouble(), "") << wrong;
    }
    app.readiness.probe.target = "example.com:80";
    EXPECT_EQ(
        trouble(),
        "host 'example.com' of a probe has to be an address such as 127.0.0.1 or [::1], or "
        "localhost"
    );
    app.readiness.probe.target = "127.0.0.1:800{number}";
    EXPECT_EQ(trouble(), "");
}

class HttpProbeTest : public ProbingTest {
  public:
    HttpProbeTest() {
        app.readiness.probe.kind = Probe::Kind::http;
        app.liveness.kind = Probe::Kind::http;
        app.liveness.failures_max = 2;
    }
    void ask(const SmallServer& server, const std::string& path = "/") {
        app.readiness.probe.target = app.liveness.target =
            "http://" + server.at("127.0.0.1") + path;
        const auto made = make();
        ASSERT_TRUE(made) << made.error().message();
    }
    std::string failure_of(const std::string& answer) {
        SmallServer server(*loop, answer);
        ask(server);
        failures.clear();
        probing->watch_liveness();
        run_until_failed();
        probing.reset();
        const std::size_t why = failures.front().find("failed 2 times: ");
        return why == std::string::npos ? failures.front() : failures.front().substr(why + 16);
    }
};

TEST_F(HttpProbeTest, AsksForThePathAndIsContentWithAGoodStatus) {
    for (const char* answer :
         {"HTTP/1.1 200 OK\r\n\r\nfine", "HTTP/1.0 204\n", "HTTP/1.1 302 Found\r\n"}) {
        SmallServer server(*loop, answer);
        ask(server, "/health?x={number}#part");
        ready = 0;
        probing->watch_readiness();
        run_until_ready();
        EXPECT_EQ(
            server.last_request,
            "GET /health?x=3 HTTP/1.1\r\nHost: " + server.at("127.0.0.1") +
                "\r\nUser-Agent: tranter\r\nAccept: */*\r\nConnection: "
                "close\r\n\r\n"
        );
        probing.reset();
    }
}

TEST_F(HttpProbeTest, IsNotReadyWhileTheStatusIsBad) {
    SmallServer server(*loop, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
    ask(server);
    probing->watch_readiness();
    run_until([&] { return server.connections >= 5; });
    EXPECT_EQ(ready, 0);

    server.say("HTTP/1.1 200 OK\r\n\r\n");
    run_until_ready();

    EXPECT_TRUE(failures.empty());
}

TEST_F(HttpProbeTest, SaysWhatWasWrongWithAnAnswer) {
    EXPECT_EQ(failure_of("HTTP/1.1 500 Oh\r\n\r\n"), "the answer was 500");
    EXPECT_EQ(failure_of("HTTP/1.1 404\r\n"), "the answer was 404");
    EXPECT_EQ(failure_of(""), "there was no answer: the connection was closed");
    EXPECT_EQ(failure_of("SSH-2.0-OpenSSH\r\n"), "the answer is not HTTP/1");
    EXPECT_EQ(failure_of("HTTP/1.1 2000 OK\r\n"), "the answer is not HTTP/1");
    EXPECT_EQ(failure_of("HTTP/1.1 20\r\n"), "the answer is not HTTP/1");
    EXPECT_EQ(failure_of("HTTP/2 200 OK\r\n"), "the answer is not HTTP/1");
    EXPECT_EQ(failure_of("HTTP/1.1 -00 OK\r\n"), "the answer is not HTTP/1");
    EXPECT_EQ(failure_of(std::string(100'000, 'x')), "the answer is not HTTP/1");
    EXPECT_EQ(failure_of(std::string(300, '\0') + "\n"), "the answer is not HTTP/1");
}

TEST_F(HttpProbeTest, DoesNotWaitForEver) {
    app.liveness.timeout = 30ms;
    EXPECT_EQ(failure_of("..."), "there was no answer within 30ms");
}

TEST_F(HttpProbeTest, MayBeGivenUpAtAnyTime) {
    SmallServer server(*loop, "...");
    ask(server);
    probing->watch_readiness();
    run_until([&] { return !server.last_request.empty(); });

    probing->unwatch();
    server.say("HTTP/1.1 200 OK\r\n\r\n");
    probing->watch_readiness();
    run_until_ready();
    probing->watch_liveness();
    probing.reset();
    loop->run_once(loop->now() + 50ms);

    EXPECT_TRUE(failures.empty());
}

TEST_F(HttpProbeTest, SaysWhatCannotBeAsked) {
    app.liveness.kind = Probe::Kind::none;
    for (const char* wrong :
         {"",
          "ftp://127.0.0.1/",
          "127.0.0.1:80",
          "http://",
          "http://example.com/",
          "http://127.0.0.1/a b",
          "http://127.0.0.1/\r\nX: y",
          "http://me@127.0.0.1/",
          "http://127.0.0.1:99999/",
          "http://127.0.0.1/\xc3\xa9"}) {
        app.readiness.probe.target = wrong;
        EXPECT_NE(trouble(), "") << wrong;
    }
    app.readiness.probe.target = "https://127.0.0.1/";
    EXPECT_EQ(
        trouble(),
        "URL 'https://127.0.0.1/' of a probe has https, which needs a program: use kind exec with "
        "a "
        "command such as curl -fsS URL"
    );
    for (const char* right : {"http://127.0.0.1", "http://localhost?x", "http://[::1]:81/y"}) {
        app.readiness.probe.target = right;
        EXPECT_EQ(trouble(), "") << right;
    }
}

class ExecProbeTest : public ProbingTest {
  public:
    void readiness(const std::string& script) {
        app.readiness.probe.kind = Probe::Kind::exec;
        app.readiness.probe.command = {"/bin/sh", "-c", script};
    }
    void liveness(const std::string& script) {
        app.liveness.kind = Probe::Kind::exec;
        app.liveness.failures_max = 2;
        app.liveness.command = {"/bin/sh", "-c", script};
    }
};

TEST_F(ExecProbeTest, RunsACommandWithTheEnvironmentOfTheAppUntilItIsContent) {
    environment = {"MARK=" + folder + "/mark", "NOTIFY_SOCKET=/ours"};
    readiness("test -z \"$NOTIFY_SOCKET\" || exit 1; mkdir \"$MARK\" && exit 1; rmdir \"$MARK\"");
    start("sleep 1000");

    probing->watch_readiness();
    run_until_ready();

    EXPECT_TRUE(failures.empty());
}

TEST_F(ExecProbeTest, SaysHowACommandEnded) {
    liveness("exit 3");
    ASSERT_EQ(trouble(), "");
    probing->watch_liveness();
    run_until_failed();
    EXPECT_EQ(failures[0], "exec probe of '/bin/sh' failed 2 times: it ended with code 3");

    failures.clear();
    liveness("kill -SEGV $$");
    ASSERT_EQ(trouble(), "");
    probing->watch_liveness();
    run_until_failed();
    EXPECT_EQ(failures[0], "exec probe of '/bin/sh' failed 2 times: it was ended by SIGSEGV");

    failures.clear();
    app.liveness.command = {"/nonexistent/command"};
    ASSERT_EQ(trouble(), "");
    probing->watch_liveness();
    run_until_failed();
    EXPECT_EQ(
        failures[0],
        "exec probe of '/nonexistent/command' failed 2 times: /nonexistent/command cannot be "
        "started: No such file or directory"
    );
}

TEST_F(ExecProbeTest, LeavesNothingOfACommandThatTakesTooLong) {
    liveness("setsid sh -c 'trap \"\" TERM; sleep 1000' & wait");
    app.liveness.timeout = 50ms;
    ASSERT_EQ(trouble(), "");

    probing->watch_liveness();
    run_until_failed();

    EXPECT_EQ(
        failures[0], "exec probe of '/bin/sh' failed 2 times: there was no answer within 50ms"
    );
    EXPECT_TRUE(descendants_of(::getpid()).empty());
}

TEST_F(ExecProbeTest, LeavesNothingOfACommandThatHasEnded) {
    readiness("setsid sh -c 'trap \"\" TERM; sleep 1000' & exit 0");
    ASSERT_EQ(trouble(), "");

    probing->watch_readiness();
    run_until_ready();

    EXPECT_TRUE(descendants_of(::getpid()).empty());
}

TEST_F(ExecProbeTest, NeedsACommand) {
    app.readiness.probe.kind = Probe::Kind::exec;
    EXPECT_EQ(trouble(), "a probe of kind exec has no command");
}

}  // namespace
}  // namespace tranter::supervise
