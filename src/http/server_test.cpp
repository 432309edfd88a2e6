#include "http/server.hpp"

#include "base/error.hpp"
#include "http/test_socket.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <thread>

namespace tranter::http {
namespace {

using namespace std::chrono_literals;

std::string post(std::string_view path, std::string_view body, std::string_view lines = "") {
    std::string text("POST ");
    text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\n").append(lines);
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    return text.append(body);
}

std::string get(std::string_view path, std::string_view lines = "") {
    std::string text("GET ");
    text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\n").append(lines);
    return text.append("\r\n");
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}

Response answer_with(std::string body) {
    Response response;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
}

/// A server whose handler echoes, except that it keeps what is sent to /wait for the test.
class ServerTest : public testing::Test {
  protected:
    struct Waiting {
        explicit Waiting(Exchange arrived) : exchange(std::move(arrived)) {}
        Exchange exchange;
    };

    void start(ServerOptions options = {}) {
        server_ = std::make_unique<Server>(
            std::move(options),
            [this](const Request& request, Exchange exchange) {
                handle(request, std::move(exchange));
            }
        );
        server_->start();
    }

    virtual void handle(const Request& request, Exchange exchange) {
        if (request.path == "/wait") {
            exchange.on_disconnect([this] { disconnected_.set_value(); });
            waiting_.set_value(std::move(exchange));
        } else if (request.path == "/drop") {
            const Exchange dropped(std::move(exchange));
        } else if (request.path == "/throw") {
            throw std::runtime_error("a handler that throws");
        } else if (request.path == "/deadline") {
            auto kept = std::make_shared<Exchange>(std::move(exchange));
            kept->on_deadline(5ms, [kept] { std::move(*kept).respond(answer_with("late")); });
        } else if (request.path == "/big") {
            std::move(exchange).respond(
                answer_with(std::string(8 << 20, 'b')),
                [this](bool written) { settled_.set_value(written); }
            );
        } else {
            std::string text(request.method);
            text.append(" ").append(request.path).append(" ").append(request.body);
            std::move(exchange).respond(answer_with(std::move(text)));
        }
    }

    TestSocket connect() { return TestSocket(server_->port()); }

    Exchange wait_for_exchange() { return waiting_.get_future().get(); }

    void wait_until_connections(std::size_t count) {
        while (server_->connections() != count)
            std::this_thread::yield();
    }

    std::promise<Exchange> waiting_;
    std::promise<void> disconnected_;
    std::promise<bool> settled_;
    std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersOneRequestAfterTheOtherOnOneConnection) {
    start();
    auto client = connect();

    for (const char* path : {"/a", "/b", "/c"}) {
        ASSERT_TRUE(client.send(post(path, "hello")));
        const std::string answer = client.read_answer();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: "));
        EXPECT_TRUE(has(answer, " GMT\r\n"));
        EXPECT_TRUE(has(answer, "Content-Type: text/plain\r\n"));
        EXPECT_TRUE(has(answer, "X-Content-Type-Options: nosniff\r\n"));
        EXPECT_EQ(body_of(answer), "POST " + std::string(path) + " hello");
    }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
    start();
    auto client = connect();
    std::string requests;
    for (int i = 0; i < 200; ++i)
        requests += post("/" + std::to_string(i), "x");

    ASSERT_TRUE(client.send(requests));

    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(body_of(client.read_answer()), "POST /" + std::to_string(i) + " x");
    }
}

TEST_F(ServerTest, AnswersWhatArrivesByteByByte) {
    start();
    auto client = connect();

    for (const char c : post("/slow", "body") + get("/next"))
        client.send({&c, 1});

    EXPECT_EQ(body_of(client.read_answer()), "POST /slow body");
    EXPECT_EQ(body_of(client.read_answer()), "GET /next ");
}

TEST_F(ServerTest, TakesLargeAndChunkedBodies) {
    start();
    auto client = connect();
    const std::string large(3 << 20, 'l');
    std::thread sender([&] { client.send(post("/large", large)); });

    EXPECT_EQ(body_of(client.read_answer()), "POST /large " + large);
    sender.join();
    client.send(
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    );
    EXPECT_EQ(body_of(client.read_answer()), "POST /c abcde");
}

TEST_F(ServerTest, InvitesABodyThatWaitsToBeInvited) {
    start();
    auto client = connect();

    client.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_EQ(body_of(client.read_answer()), "POST /e ok");
}

TEST_F(ServerTest, SendsNoBodyToHead) {
    start();
    auto client = connect();

    client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string head = client.read_answer(true);
    client.send(get("/g"));

    EXPECT_TRUE(has(head, "Content-Length: 8\r\n"));
    EXPECT_EQ(body_of(client.read_answer()), "GET /g ");
}

TEST_F(ServerTest, ClosesWhenTheClientWantsThat) {
    start();
    auto client = connect();
    auto old_client = connect();
    auto old_keeping = connect();

    client.send(get("/x", "Connection: close\r\n"));
    EXPECT_TRUE(has(client.read_answer(), "Connection: close\r\n"));
    EXPECT_TRUE(client.at_end());
    old_client.send("GET /x HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(has(old_client.read_all(), "Connection: close\r\n"));
    old_keeping.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(has(old_keeping.read_answer(), "Connection: keep-alive\r\n"));
    old_keeping.send("GET /y HTTP/1.0\r\n\r\n");
    EXPECT_EQ(body_of(old_keeping.read_all()), "GET /y ");
}

/// A process that has all open that we have, as a program has that is being started.
class Copy {
  public:
    Copy() : pid_(::fork()) {
        if (pid_ != 0) return;
        while (true)
            ::pause();
    }
    ~Copy() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;

    bool lives() const { return pid_ > 0; }

  private:
    pid_t pid_;
};

TEST_F(ServerTest, HearsNoMoreOfAConnectionThatItClosedAndSomebodyElseHasOpen) {
    start();
    auto gone = connect();
    gone.send(get("/x"));
    gone.read_answer();
    const Copy somebody;
    ASSERT_TRUE(somebody.lives());

    const auto rounds_go_on = [this] {
        for (int i = 0; i < 3; ++i) {
            auto client = connect();
            client.send(get("/y", "Connection: close\r\n"));
            EXPECT_EQ(body_of(client.read_all()), "GET /y ");
        }
    };
    gone.half_close();
    rounds_go_on();
    gone.reset();
    rounds_go_on();
}

TEST_F(ServerTest, RefusesMalformedRequestsAndCloses) {
    start();
    auto client = connect();

    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n"
        "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    const std::string answers = client.read_all();

    EXPECT_TRUE(answers.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_EQ(answers.find("HTTP/1.1", 1), std::string::npos);
}

TEST_F(ServerTest, TellsTheReasonToAClientThatIsStillSending) {
    ServerOptions options;
    options.limits.body_bytes = 1000;
    start(std::move(options));
    auto client = connect();

    client.send(post("/", std::string(500'000, 'x')));

    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AnswersAHalfClosedClient) {
    start();
    auto client = connect();

    client.send(get("/half"));
    client.half_close();

    EXPECT_EQ(body_of(client.read_all()), "GET /half ");
}

TEST_F(ServerTest, AnswersAHalfClosedClientThatHadToWait) {
    start();
    auto client = connect();
    client.send(get("/wait"));
    client.half_close();
    disconnected_.get_future().wait();

    wait_for_exchange();  // dropping it answers 500

    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 500 "));
}

TEST_F(ServerTest, AnswersFromAnotherThread) {
    start();
    auto client = connect();
    client.send(get("/wait"));

    wait_for_exchange().respond(answer_with("from afar"), [this](bool written) {
        settled_.set_value(written);
    });

    EXPECT_EQ(body_of(client.read_answer()), "from afar");
    EXPECT_TRUE(settled_.get_future().get());
}

TEST_F(ServerTest, AnswersPipelinedRequestsBehindOneThatWaits) {
    start();
    auto client = connect();
    client.send(get("/wait") + get("/second"));
    Exchange exchange = wait_for_exchange();
    client.send(get("/third"));

    std::move(exchange).respond(answer_with("first"));

    EXPECT_EQ(body_of(client.read_answer()), "first");
    EXPECT_EQ(body_of(client.read_answer()), "GET /second ");
    EXPECT_EQ(body_of(client.read_answer()), "GET /third ");
}

TEST_F(ServerTest, NoticesAWaitingClientThatGoesAway) {
    start();
    auto client = connect();
    client.send(get("/wait"));
    Exchange exchange = wait_for_exchange();

    client.reset();
    disconnected_.get_future().wait();
    std::move(exchange).respond(answer_with("too late"), [this](bool written) {
        settled_.set_value(written);
    });

    EXPECT_FALSE(settled_.get_future().get());
}

TEST_F(ServerTest, SettlesNothingThatTheClientDidNotTake) {
    start();
    TestSocket client(server_->port(), 4096);
    client.send(get("/big"));
    auto settled = settled_.get_future();
    std::string first(1, '\0');

    client.read_answer(true);
    EXPECT_EQ(settled.wait_for(0s), std::future_status::timeout);
    client.reset();

    EXPECT_FALSE(settled.get());
}

TEST_F(ServerTest, WritesLargeAnswersToASlowReader) {
    start();
    TestSocket client(server_->port(), 4096);
    client.send(get("/big"));

    EXPECT_EQ(body_of(client.read_answer()).size(), std::size_t{8} << 20);
    EXPECT_TRUE(settled_.get_future().get());
}

TEST_F(ServerTest, CallsTheDeadlineHook) {
    start();
    auto client = connect();
    const auto before = std::chrono::steady_clock::now();

    client.send(get("/deadline"));

    EXPECT_EQ(body_of(client.read_answer()), "late");
    EXPECT_GE(std::chrono::steady_clock::now() - before, 5ms);
}

TEST_F(ServerTest, Answers500ForADroppedExchangeAndAThrowingHandler) {
    start();
    auto client = connect();

    for (const char* path : {"/drop", "/throw"}) {
        client.send(get(path));
        EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 500 ")) << path;
    }
}

TEST_F(ServerTest, CutsSlowClients) {
    ServerOptions options;
    options.limits.header_timeout = 100ms;
    options.limits.body_timeout = 100ms;
    options.limits.idle_timeout = 100ms;
    start(std::move(options));
    auto silent = connect();
    auto slow_head = connect();
    auto slow_body = connect();

    slow_head.send("GET / HTTP/1.1\r\n");
    slow_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx");

    EXPECT_TRUE(silent.at_end());
    EXPECT_TRUE(slow_head.read_all().starts_with("HTTP/1.1 408 "));
    EXPECT_TRUE(slow_body.read_all().starts_with("HTTP/1.1 408 "));
}

TEST_F(ServerTest, CutsClientsThatDoNotRead) {
    ServerOptions options;
    options.limits.write_timeout = 100ms;
    start(std::move(options));
    TestSocket client(server_->port(), 4096);

    client.send(get("/big"));

    EXPECT_FALSE(settled_.get_future().get());
}

TEST_F(ServerTest, RefusesConnectionsOverTheLimit) {
    ServerOptions options;
    options.limits.connections = 2;
    start(std::move(options));
    auto first = connect();
    auto second = connect();
    wait_until_connections(2);

    auto third = connect();
    third.send(get("/"));
    EXPECT_TRUE(third.read_all().starts_with("HTTP/1.1 503 "));
    first.send(get("/still"));
    EXPECT_EQ(body_of(first.read_answer()), "GET /still ");

    third.close();
    wait_until_connections(2);
    second.close();
    wait_until_connections(1);
    auto fourth = connect();
    fourth.send(get("/again"));
    EXPECT_EQ(body_of(fourth.read_answer()), "GET /again ");
}

TEST_F(ServerTest, SurvivesRunningOutOfDescriptors) {
    start();
    auto early = connect();
    early.send(get("/"));
    early.read_answer();
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    TestSocket late(server_->port());  // has its descriptor, the server's side may not
    early.send(get("/"));
    early.read_answer();
    const int next = ::dup(0);
    ::close(next);
    TestSocket refused(server_->port());
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};

    setrlimit(RLIMIT_NOFILE, &none);
    early.send(get("/works"));
    EXPECT_EQ(body_of(early.read_answer()), "GET /works ");
    setrlimit(RLIMIT_NOFILE, &before);

    refused.send(get("/accepted"));
    EXPECT_EQ(body_of(refused.read_answer()), "GET /accepted ");
}

/// What a second server says that cannot be made.
std::string complaint_of(const ServerOptions& options) {
    try {
        const Server server(options, [](const Request&, Exchange) {});
        return "";
    } catch (const SystemError& error) {
        return error.what();
    }
}

TEST_F(ServerTest, RefusesTwoServersOnOnePort) {
    start();
    ServerOptions options;
    options.port = server_->port();
    options.threads = 2;

    const std::string complaint = complaint_of(options);

    EXPECT_TRUE(has(complaint, "127.0.0.1:" + std::to_string(options.port))) << complaint;
    EXPECT_TRUE(has(complaint, "in use")) << complaint;
}

TEST_F(ServerTest, RefusesAnAddressThatIsAName) {
    ServerOptions options;
    options.address = "example.com";

    EXPECT_TRUE(has(complaint_of(options), "'example.com': use an IP address"));
}

TEST_F(ServerTest, SpreadsConnectionsOverItsThreads) {
    std::mutex mutex;
    std::vector<std::thread::id> seen;
    ServerOptions options;
    options.threads = 2;
    Server server(options, [&](const Request&, Exchange exchange) {
        {
            const std::lock_guard lock(mutex);
            seen.push_back(std::this_thread::get_id());
        }
        std::move(exchange).respond(answer_with("x"));
    });
    server.start();
    std::vector<TestSocket> clients;
    for (int i = 0; i < 4; ++i)
        clients.emplace_back(server.port());

    for (auto& client : clients) {
        client.send(get("/"));
        client.read_answer();
    }

    const std::lock_guard lock(mutex);
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_EQ(std::ranges::count(seen, seen[0]), 2);
}

/// Answers every second request at once and hands the others to three threads.
class ManyThreads {
  public:
    ManyThreads() {
        for (int i = 0; i < 3; ++i)
            threads_.emplace_back([this] { work(); });
    }
    ~ManyThreads() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        filled_.notify_all();
        for (auto& thread : threads_)
            thread.join();
    }

    void handle(const Request& request, Exchange exchange) {
        exchange.on_disconnect([] {});
        exchange.on_deadline(60s, [] {});
        Job job{std::move(exchange), std::string(request.path)};
        if (request.body == "now") {
            answer(std::move(job));
            return;
        }
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        filled_.notify_one();
    }

    std::atomic<int> written{0};

  private:
    struct Job {
        Exchange exchange;
        std::string path;
    };

    void answer(Job job) {
        std::move(job.exchange).respond(answer_with(job.path), [this](bool all) {
            written += all ? 1 : 0;
        });
    }

    void work() {
        std::unique_lock lock(mutex_);
        while (!ended_) {
            filled_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
            while (!jobs_.empty()) {
                Job job = std::move(jobs_.back());
                jobs_.pop_back();
                lock.unlock();
                answer(std::move(job));
                lock.lock();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable filled_;
    std::vector<Job> jobs_;
    bool ended_ = false;
    std::vector<std::thread> threads_;
};

TEST_F(ServerTest, AnswersManyPipeliningClientsFromManyThreads) {
    ManyThreads workers;
    ServerOptions options;
    options.threads = 2;
    Server server(options, [&](const Request& request, Exchange exchange) {
        workers.handle(request, std::move(exchange));
    });
    server.start();
    std::string stream;
    for (int i = 0; i < 200; ++i) {
        stream += post("/" + std::to_string(i), i % 100 < 50 || i % 2 == 0 ? "now" : "later");
    }
    std::vector<TestSocket> clients;
    for (int i = 0; i < 6; ++i)
        clients.emplace_back(server.port());

    for (auto& client : clients)
        ASSERT_TRUE(client.send(stream));

    for (auto& client : clients) {
        for (int i = 0; i < 200; ++i) {
            ASSERT_EQ(body_of(client.read_answer()), "/" + std::to_string(i));
        }
    }
    server.stop(60s);
    EXPECT_EQ(workers.written, 1200);
}

TEST_F(ServerTest, StopClosesIdleConnectionsAndWaitsForAnswers) {
    start();
    auto idle = connect();
    idle.send(get("/"));
    idle.read_answer();
    auto busy = connect();
    busy.send(get("/wait"));
    Exchange exchange = wait_for_exchange();
    std::thread stopping([this] { server_->stop(60s); });

    EXPECT_TRUE(idle.at_end());
    std::move(exchange).respond(answer_with("last"));
    const std::string answer = busy.read_all();
    stopping.join();

    EXPECT_TRUE(has(answer, "Connection: close\r\n"));
    EXPECT_EQ(body_of(answer), "last");
    EXPECT_FALSE(connect().connected());
}

TEST_F(ServerTest, StopGivesUpAfterItsGrace) {
    start();
    auto busy = connect();
    busy.send(get("/wait"));
    Exchange exchange = wait_for_exchange();

    server_->stop(10ms);
    disconnected_.get_future().wait();
    server_->stop(10ms);
    server_.reset();
    std::move(exchange).respond(answer_with("nobody"), [this](bool written) {
        settled_.set_value(written);
    });

    EXPECT_FALSE(settled_.get_future().get());
    EXPECT_TRUE(busy.at_end());
}

TEST_F(ServerTest, GuardsAgainstBrowsersBeforeTheHandler) {
    start();
    auto client = connect();

    client.send(post("/", "x", "Origin: https://evil.example\r\n"));
    const std::string refused = client.read_all();
    auto fetched = connect();
    fetched.send(post("/", "x", "sec-fetch-site: cross-site\r\n"));
    auto rebound = connect();
    rebound.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");

    EXPECT_TRUE(refused.starts_with("HTTP/1.1 403 "));
    EXPECT_FALSE(has(refused, "Access-Control"));
    EXPECT_TRUE(fetched.read_all().starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(rebound.read_all().starts_with("HTTP/1.1 421 "));
}

TEST_F(ServerTest, AnswersConfiguredOriginsWithCors) {
    ServerOptions options;
    options.browser.cors_origins = {"https://app.example"};
    start(std::move(options));
    auto client = connect();

    client.send(
        "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n"
        "Access-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: x-amz-target\r\n"
        "Access-Control-Request-Private-Network: true\r\n\r\n"
    );
    const std::string preflight = client.read_answer();
    client.send(post("/", "x", "Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n"));
    const std::string answer = client.read_answer();
    client.send(post("/", "x"));
    const std::string plain = client.read_answer();

    EXPECT_TRUE(preflight.starts_with("HTTP/1.1 204 "));
    EXPECT_TRUE(has(preflight, "Access-Control-Allow-Headers: x-amz-target\r\n"));
    EXPECT_FALSE(has(preflight, "Private-Network"));
    EXPECT_FALSE(has(preflight, "Content-Length"));
    EXPECT_TRUE(has(answer, "Access-Control-Allow-Origin: https://app.example\r\n"));
    EXPECT_FALSE(has(plain, "Access-Control"));
}

}  // namespace
}  // namespace tranter::http
