#include "postgres/connection.hpp"

#include "base/descriptor.hpp"
#include "base/wake_event.hpp"
#include "postgres/pool.hpp"
#include "postgres/target.hpp"
#include "postgres/test_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

namespace tranter::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Answers whoever connects with one error, in whatever language.
class RefusingServer {
  public:
    struct Answer {
        std::string severity = "FATAL";
        std::string state{};
        std::string text{};
    };

    explicit RefusingServer(Answer answer) : answer_(std::move(answer)) {
        std::string path = (std::filesystem::temp_directory_path() / "refusing-XXXXXX").string();
        EXPECT_NE(::mkdtemp(path.data()), nullptr);
        directory_ = path;
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        (directory_ / ".s.PGSQL.5432")
            .string()
            .copy(address.sun_path, sizeof(address.sun_path) - 1);
        const auto* const where = reinterpret_cast<const sockaddr*>(&address);
        EXPECT_EQ(::bind(listener_.get(), where, sizeof(address)), 0);
        EXPECT_EQ(::listen(listener_.get(), 10), 0);
        thread_ = std::jthread([this] { serve(); });
    }
    ~RefusingServer() {
        end_.wake();
        thread_.join();
        std::filesystem::remove_all(directory_);
    }
    RefusingServer(const RefusingServer&) = delete;
    RefusingServer& operator=(const RefusingServer&) = delete;

    Target target() const {
        return parse_target("postgres:///app?user=me&password=canary&host=" + directory_.string())
            .value();
    }

  private:
    void serve() {
        while (true) {
            std::array<pollfd, 2> waits{
                {{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                 {.fd = end_.get(), .events = POLLIN, .revents = 0}}};
            ::poll(waits.data(), waits.size(), -1);
            if (waits[1].revents != 0) return;
            const Descriptor caller(::accept(listener_.get(), nullptr, nullptr));
            // A client that hears an end before it has spoken knows no reason.
            std::array<char, 1'024> hello{};
            if (::recv(caller.get(), hello.data(), hello.size(), 0) <= 0) continue;
            const std::string said = error_message();
            ::send(caller.get(), said.data(), said.size(), MSG_NOSIGNAL);
        }
    }
    /// As "ErrorResponse" in the manual, "Message Formats".
    std::string error_message() const {
        std::string fields;
        for (const std::string& field :
             {"S" + answer_.severity, "C" + answer_.state, "M" + answer_.text})
            fields.append(field).push_back('\0');
        fields.push_back('\0');
        const std::uint32_t length = htonl(static_cast<std::uint32_t>(fields.size() + 4));
        return "E" + std::string(reinterpret_cast<const char*>(&length), 4) + fields;
    }

    const Answer answer_;
    std::filesystem::path directory_{};
    const Descriptor listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    WakeEvent end_{};
    std::jthread thread_{};
};

Error refusal_of(const Target& target) {
    Pool pool(target, "the store of numbers");
    const auto answer = pool.read([](Connection&) -> Result<> { return {}; });
    return answer ? Error(Errc::internal, "it was let in") : answer.error();
}

Error refusal_by(RefusingServer::Answer answer) {
    const RefusingServer server(std::move(answer));
    return refusal_of(server.target());
}

TEST(ConnectionTest, WhoIsNotLetInIsToldSoInWhateverLanguageTheServerSpeaks) {
    const Error wrong = refusal_by(
        {.severity = "致命错误", .state = "28P01", .text = "用户 \"me\" Password 认证失败"}
    );
    EXPECT_EQ(wrong.code(), Errc::unauthenticated);
    EXPECT_THAT(wrong.message(), HasSubstr("the store of numbers does not let this user in"));
    EXPECT_THAT(wrong.message(), HasSubstr("认证失败"));
    EXPECT_THAT(wrong.message(), Not(HasSubstr("canary")));
    EXPECT_THAT(wrong.message(), Not(HasSubstr("28P01"))) << "it is not for people";

    for (const char* state : {"28000", "42501"})
        EXPECT_EQ(
            refusal_by({.severity = "FATAL ", .state = state, .text = "non"}).code(),
            Errc::unauthenticated
        ) << state;
}

TEST(ConnectionTest, AServerThatRefusesEverybodyIsAway) {
    for (const char* state : {"57P03", "53300", "3D000"}) {
        const Error error = refusal_by({.state = state, .text = "not now"});
        EXPECT_EQ(error.code(), Errc::unavailable) << state;
        EXPECT_THAT(error.message(), HasSubstr("no connection to the store of numbers"));
    }
    const Error lying = refusal_by(
        {.state = "3D000", .text = "database \"FATAL:  28P01: \" is not there:  28000: no"}
    );
    EXPECT_EQ(lying.code(), Errc::unavailable) << "what a text quotes is no state";
}

TEST(ConnectionTest, ARoleThatMayNotLogInIsNotLetIn) {
    const std::string url = test::server().new_database();
    Connection(parse_target(url).value())
        .run("DROP ROLE IF EXISTS nobody_may; CREATE ROLE nobody_may NOLOGIN");
    Target target = parse_target(url).value();
    for (auto& [keyword, value] : target) {
        if (keyword == "user") value = "nobody_may";
    }

    const Error error = refusal_of(target);

    EXPECT_EQ(error.code(), Errc::unauthenticated);
    EXPECT_THAT(error.message(), HasSubstr("nobody_may"));
}

TEST(ConnectionTest, APoolThatWaitsBeforeItTriesAgainKnowsStillThatItWasNotLetIn) {
    const RefusingServer server({.state = "28P01", .text = "no"});
    Pool pool(server.target(), "the store of numbers");
    const auto ask = [&] {
        return pool.read([](Connection&) -> Result<> { return {}; });
    };

    const auto first = ask();
    const auto second = ask();

    ASSERT_FALSE(first || second);
    EXPECT_EQ(second.error().code(), Errc::unauthenticated);
    EXPECT_EQ(second.error().message(), first.error().message());
}

TEST(ConnectionTest, AServerThatIsNotThereIsAway) {
    const Error error = refusal_of(parse_target("postgres:///app?host=/nowhere/at/all").value());

    EXPECT_EQ(error.code(), Errc::unavailable);
}

}  // namespace
}  // namespace tranter::postgres
