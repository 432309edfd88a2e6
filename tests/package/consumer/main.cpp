#include <tranter/job_type.hpp>
#include <tranter/server.hpp>
#include <tranter/version.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

struct Greeting {
    std::string name = "nobody";
    int times = 1;
    static constexpr std::string_view kind = "greeting";
};

bool greeting_survives() {
    const auto text = tranter::to_json(Greeting{.name = "Ann"});
    if (!text || *text != R"({"name":"Ann","times":1})") return false;
    const auto again = tranter::from_json<Greeting>(*text);
    return again && again->name == "Ann";
}

}  // namespace

// A program as a user would write it: an SQS endpoint inside the process, and one call to it.
int main() {
    if (!greeting_survives()) return 1;
    tranter::EmbeddedServerOptions options;
    options.auto_create = true;
    const tranter::EmbeddedServer server(options);
    std::printf("tranter %s at %s\n", tranter::version.data(), server.url().c_str());

    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
    const std::string request =
        "GET /?Action=CreateQueue&QueueName=orders HTTP/1.1\r\n"
        "Host: localhost\r\nConnection: close\r\n\r\n";
    if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
        return 1;
    }
    std::string answer;
    std::array<char, 4096> part;
    for (ssize_t size = 0; (size = ::read(fd, part.data(), part.size())) > 0;) {
        answer.append(part.data(), static_cast<std::size_t>(size));
    }
    ::close(fd);
    return answer.find("/000000000000/orders</QueueUrl>") == std::string::npos ? 1 : 0;
}
