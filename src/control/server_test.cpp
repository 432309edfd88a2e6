#include "control/server.hpp"

#include "base/wake_event.hpp"
#include "control/address.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

namespace tranter::control {
namespace {

namespace files = std::filesystem;

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (files::temp_directory_path() / "control-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder() { files::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string socket() const { return path_ + "/daemon.sock"; }

  private:
    std::string path_{};
};

/// Answers some calls by rule; "flood" sends without end to whoever asked.
class RuledService final : public Service {
  public:
    void handle(const Request& request, const Caller& caller) override {
        if (request.call == "daemon") {
            DaemonView view;
            view.pid = 1;
            view.home = std::string(request.after, 'x');
            server->send(caller.connection, write_answer(caller.request, view));
        } else if (request.call == "follow") {
            server->send(caller.connection, write_answer(caller.request, Payload()));
            following.insert(caller.connection);
        } else {
            const Error refused(Errc::unsupported, "no " + request.call);
            server->send(caller.connection, write_failure(caller.request, refused));
        }
    }
    void gone(std::uint64_t connection) override { following.erase(connection); }

    void tell(const supervise::OutputLine& line) {
        const std::set<std::uint64_t> listeners = following;
        for (const std::uint64_t one : listeners)
            server->send(one, write_line(1, line));
        told += line.text.size();
        if (!listeners.empty() && following.empty()) has_cut_off = true;
    }

    Server* server = nullptr;
    std::set<std::uint64_t> following{};
    std::size_t told = 0;
    bool has_cut_off = false;
};

/// A server on a thread of its own, which is that of its loop.
class ServerTest : public testing::Test {
  public:
    ServerTest() {
        service.server = server.get();
        loop.watch(wake.get(), [this] { wake.clear(); });
        thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    ~ServerTest() override { stop_loop(); }

    void stop_loop() {
        if (!thread.joinable()) return;
        thread.request_stop();
        wake.wake();
        thread.join();
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            loop.run_once(Instant::max());
            if (must_flood) {
                supervise::OutputLine line;
                line.text = std::string(60'000, 'y');
                while (!service.following.empty())
                    service.tell(line);
                must_flood = false;
            }
        }
    }

    Descriptor dial() const {
        const auto address = socket_address(folder.socket());
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(
            ::connect(
                socket.get(), reinterpret_cast<const sockaddr*>(&address.value()), sizeof *address
            ),
            0
        );
        return socket;
    }
    static void write(const Descriptor& socket, std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// Until the server closes.
    static std::string read_to_end(const Descriptor& socket) {
        std::string text;
        std::array<char, 4096> chunk;
        while (true) {
            const ssize_t got = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
            if (got <= 0) return text;
            text.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }

    const SteadyClock clock{};
    const TemporaryFolder folder{};
    supervise::EventLoop loop{clock};
    RuledService service{};
    std::unique_ptr<Server> server = std::make_unique<Server>(Server::Options{
        .loop = loop, .service = service, .path = folder.socket(), .connections_max = 8});
    WakeEvent wake{};
    std::atomic<bool> must_flood = false;
    std::jthread thread{};

  protected:
    void SetUp() override {
        // Set before anybody connects.
        ASSERT_EQ(::access(folder.socket().c_str(), F_OK), 0);
    }
};

TEST_F(ServerTest, IsForItsOwnerAlone) {
    struct stat info {};
    ASSERT_EQ(::stat(folder.socket().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(ServerTest, AnswersWhatIsAsked) {
    auto client = Client::connect(folder.socket());
    ASSERT_TRUE(client);

    const auto daemon = client->daemon();
    const auto refused = client->reopen_logs();

    ASSERT_TRUE(daemon) << daemon.error().message();
    EXPECT_EQ(daemon->pid, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::unsupported);
    EXPECT_EQ(refused.error().message(), "no reopen_logs");
}

TEST_F(ServerTest, AnswersRequestsThatComeInPiecesAndSeveralAtATime) {
    const Descriptor socket = dial();
    const std::string two = R"({"id":1,"call":"daemon"})"
                            "\n"
                            R"({"id":2,"call":"x"})"
                            "\nnonsense\n";
    for (const char c : two)
        write(socket, {&c, 1});

    const std::string answers = read_to_end(socket);

    EXPECT_NE(answers.find(R"({"id":1,"ok":{)"), std::string::npos) << answers;
    EXPECT_NE(answers.find(R"({"id":2,"error":{"code":"unsupported")"), std::string::npos);
}

TEST_F(ServerTest, GarbageGetsAnErrorAndIsCutOff) {
    const Descriptor socket = dial();
    write(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    const std::string answer = read_to_end(socket);

    EXPECT_EQ(
        answer,
        R"({"id":0,"error":{"code":"invalid_argument","message":)"
        "\"a request is not understood: it is no JSON\"}}\n"
    );
    auto client = Client::connect(folder.socket());
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->daemon());
}

TEST_F(ServerTest, ALineWithoutEndIsCutOff) {
    const Descriptor socket = dial();
    const std::string piece(std::size_t{1} << 20, 'a');
    for (std::size_t sent = 0; sent <= line_bytes_max; sent += piece.size())
        write(socket, piece);

    EXPECT_NE(read_to_end(socket).find("a request has more than"), std::string::npos);
}

TEST_F(ServerTest, ALargeAnswerArrivesWhole) {
    const Descriptor socket = dial();
    write(
        socket,
        R"({"id":1,"call":"daemon","after":9000000})"
        "\nend\n"
    );

    EXPECT_GT(read_to_end(socket).size(), 9'000'000U);
}

TEST_F(ServerTest, WhoeverDoesNotReadIsCutOff) {
    const Descriptor slow = dial();
    write(
        slow,
        R"({"id":1,"call":"follow"})"
        "\n"
    );
    pollfd readable{.fd = slow.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&readable, 1, 60'000), 1);  // it follows
    must_flood = true;
    wake.wake();

    const std::string got = read_to_end(slow);

    stop_loop();
    EXPECT_TRUE(service.has_cut_off);
    EXPECT_LT(got.size(), std::size_t{16} << 20);
}

TEST_F(ServerTest, TooManyConnectionsAreRefused) {
    std::vector<Descriptor> many;
    for (int i = 0; i < 8; ++i)
        many.push_back(dial());
    const Descriptor one_more = dial();

    EXPECT_NE(read_to_end(one_more).find("too many connections"), std::string::npos);
}

/// On the thread of the test, by a clock of its own.
TEST(BusyServerTest, RestsWhenItHasNoDescriptors) {
    class ManualClock final : public Clock {
      public:
        Instant now() const override { return at; }
        Instant at{std::chrono::hours(1)};
    };
    ManualClock clock;
    const TemporaryFolder folder;
    supervise::EventLoop loop(clock);
    RuledService service;
    Server server({.loop = loop, .service = service, .path = folder.socket()});
    const auto client = Client::connect(folder.socket());
    ASSERT_TRUE(client);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;

    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    loop.run_once(clock.at);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    loop.run_once(clock.at);
    EXPECT_EQ(server.connections(), 0U);
    clock.at += std::chrono::seconds(1);
    loop.run_once(clock.at);
    loop.run_once(clock.at);

    EXPECT_EQ(server.connections(), 1U);
}

TEST_F(ServerTest, AClientIsToldThatTheDaemonHasEnded) {
    auto client = Client::connect(folder.socket());
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->daemon());
    stop_loop();
    server.reset();

    const auto gone = client->daemon();
    const auto none = Client::connect(folder.socket());

    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code(), Errc::unavailable);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), Errc::unavailable);
}

TEST(HomeTest, IsWhatTheEnvironmentSays) {
    const auto of = [](const std::vector<std::string>& environment) {
        const auto home = home_of(environment);
        return home ? home->directory : home.error().message();
    };
    EXPECT_EQ(of({"HOME=/home/a"}), "/home/a/.tranter");
    EXPECT_EQ(of({"HOME=/home/a", "TRANTER_HOME=/srv/t/"}), "/srv/t");
    EXPECT_EQ(of({"TRANTER_HOME=", "HOME=/home/a"}), "/home/a/.tranter");
    EXPECT_EQ(of({"A=b"}), "neither TRANTER_HOME nor HOME is set");
}

TEST(ClientTest, SaysThatTheHomeIsTooLong) {
    const auto client = Client::connect(std::string(200, 'x'));

    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace tranter::control
