// A bare HTTP responder: epoll, one thread, reads up to the blank line plus Content-Length and
// sends a fixed answer of the size of a SendMessage answer. It does no work at all, so what it
// costs is what the kernel and HTTP framing cost: the bound for any server that is reached this
// way. Usage: epoll_responder PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace {

struct Session {
    int fd;
    std::string input;
};

constexpr std::string_view body = R"({"MessageId":"2736aaaf-7e93-421e-ab06-207075388243",)"
                                  R"("MD5OfMessageBody":"49f68a5c8493ec2c0bf489821c21fc3b"})";

std::string make_answer() {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
           "x-amzn-RequestId: 5f8a0c1e-7d3b-4a7c-9b57-2f6d1c1e8a90\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// Length of the first complete request, 0 while there is none.
std::size_t request_length(std::string_view input) {
    static constexpr std::string_view name = "content-length:";
    const auto head_end = input.find("\r\n\r\n");
    if (head_end == input.npos) return 0;
    std::size_t content = 0;
    for (auto line = input.find("\r\n"); line < head_end; line = input.find("\r\n", line + 2)) {
        const char* text = input.data() + line + 2;
        if (head_end - line > name.size() && strncasecmp(text, name.data(), name.size()) == 0) {
            content = std::strtoul(text + name.size(), nullptr, 10);
        }
    }
    const std::size_t total = head_end + 4 + content;
    return input.size() >= total ? total : 0;
}

/// False when the client is gone.
bool serve(Session& session, std::span<char> chunk, std::string_view answer) {
    const ssize_t got = recv(session.fd, chunk.data(), chunk.size(), 0);
    if (got <= 0) return false;
    session.input.append(chunk.data(), static_cast<std::size_t>(got));
    while (const std::size_t length = request_length(session.input)) {
        session.input.erase(0, length);
        // Answers are far smaller than a socket buffer, so a short write means a dead client.
        const ssize_t sent = send(session.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(answer.size())) return false;
    }
    return true;
}

int listen_on(const char* port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, SOMAXCONN) != 0) {
        std::perror("epoll_responder: cannot listen");
        std::exit(1);
    }
    return listener;
}

void watch(int epoll, int fd, Session* session) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = session;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: epoll_responder PORT\n", stderr);
        return 2;
    }
    const int listener = listen_on(argv[1]);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listener, nullptr);
    const std::string answer = make_answer();

    std::array<epoll_event, 64> events;
    std::array<char, 16384> chunk;
    for (;;) {
        const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            auto* session = static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (session == nullptr) {
                const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) continue;
                const int on = 1;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                watch(epoll, fd, new Session{fd, {}});
            } else if (!serve(*session, chunk, answer)) {
                close(session->fd);
                delete session;
            }
        }
    }
}
