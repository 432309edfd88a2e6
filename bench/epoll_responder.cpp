// A bare HTTP responder: epoll, one thread, reads up to the blank line plus Content-Length and
// sends a fixed answer of the size of a SendMessage answer. It does no work at all, so what it
// costs is what the kernel and HTTP framing cost: the bound for any server that is reached this
// way. With --append a second thread appends each request's content to a file of zeros and syncs
// it before the answer is sent: the bound for any such server that is durable.
// Usage: epoll_responder PORT [--batch MESSAGES] [--append FILE]
#include "group_commit.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::bench {
namespace {

struct Arguments {
    const char* port{};
    unsigned batch{1};
    const char* append{};
};

struct Session {
    int fd;
    std::string input;
    bool committing{};  // its request is on its way to the disk
    bool closed{};
};

std::string make_content(unsigned batch) {
    static constexpr std::string_view ids =
        R"("MessageId":"2736aaaf-7e93-421e-ab06-207075388243",)"
        R"("MD5OfMessageBody":"49f68a5c8493ec2c0bf489821c21fc3b"})";
    if (batch == 1) return "{" + std::string(ids);
    std::string content = R"({"Successful":[)";
    for (unsigned i = 0; i < batch; ++i) {
        content += (i == 0 ? R"({"Id":")" : R"(,{"Id":")") + std::to_string(i) + "\",";
        content += ids;
    }
    return content + "]}";
}

std::string make_answer(unsigned batch) {
    const std::string content = make_content(batch);
    return "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
           "x-amzn-RequestId: 5f8a0c1e-7d3b-4a7c-9b57-2f6d1c1e8a90\r\nContent-Length: " +
           std::to_string(content.size()) + "\r\n\r\n" + content;
}

struct Request {
    std::size_t length{};  // of the first complete request, 0 while there is none
    std::size_t content{};
};

Request find_request(std::string_view input) {
    static constexpr std::string_view name = "content-length:";
    const auto head_end = input.find("\r\n\r\n");
    if (head_end == input.npos) return {};
    std::size_t content = 0;
    for (auto line = input.find("\r\n"); line < head_end; line = input.find("\r\n", line + 2)) {
        const char* text = input.data() + line + 2;
        if (head_end - line > name.size() && strncasecmp(text, name.data(), name.size()) == 0) {
            content = std::strtoul(text + name.size(), nullptr, 10);
        }
    }
    const std::size_t total = head_end + 4 + content;
    return input.size() >= total ? Request{total, content} : Request{};
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

class Responder {
  public:
    explicit Responder(const Arguments& arguments) : answer_(make_answer(arguments.batch)) {
        if (arguments.append != nullptr) {
            commit_ = std::make_unique<GroupCommit>(
                arguments.append,
                [this](const std::vector<std::uint64_t>& done) {
                    durable_.put(done);
                    const std::uint64_t one = 1;
                    if (write(wake_, &one, sizeof one) != sizeof one) std::abort();
                }
            );
        }
        listener_ = listen_on(arguments.port);
        watch(listener_, &listener_);
        watch(wake_, &wake_);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 64> events;
        for (;;) {
            const int ready =
                epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < ready; ++i) {
                void* source = events[static_cast<std::size_t>(i)].data.ptr;
                if (source == &listener_) {
                    accept_one();
                } else if (source == &wake_) {
                    answer_committed();
                } else {
                    serve(static_cast<Session*>(source));
                }
            }
            // Once for all that arrived together, so that they share a commit.
            if (commit_) commit_->wake();
        }
    }

  private:
    void watch(int fd, void* source) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = source;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }

    void accept_one() const {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd, new Session{.fd = fd, .input = {}});
    }

    void serve(Session* session) {
        const ssize_t got = recv(session->fd, chunk_.data(), chunk_.size(), 0);
        if (got <= 0) return end(session);
        session->input.append(chunk_.data(), static_cast<std::size_t>(got));
        if (!session->committing) next(session);
    }

    void next(Session* session) {
        for (;;) {
            const std::string_view input = session->input;
            const Request request = find_request(input);
            if (request.length == 0) return;
            if (commit_) {
                const auto content = input.substr(request.length - request.content);
                session->committing = true;
                commit_->add(
                    content.substr(0, request.content), reinterpret_cast<std::uint64_t>(session)
                );
            }
            session->input.erase(0, request.length);
            if (session->committing) return;
            if (!answer(session)) return end(session);
        }
    }

    void answer_committed() {
        std::uint64_t count = 0;
        if (read(wake_, &count, sizeof count) != sizeof count) return;
        durable_.take_now(committed_);
        for (const std::uint64_t token : committed_) {
            auto* session = reinterpret_cast<Session*>(token);
            session->committing = false;
            if (session->closed || !answer(session)) {
                end(session);
            } else {
                next(session);
            }
        }
    }

    /// False when the client is gone: answers are far smaller than a socket buffer, so a short
    /// write means that.
    [[nodiscard]] bool answer(const Session* session) const {
        const ssize_t sent = send(session->fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
        return sent == static_cast<ssize_t>(answer_.size());
    }

    static void end(Session* session) {
        if (!session->closed) close(session->fd);
        session->closed = true;
        if (!session->committing) delete session;
    }

    const std::string answer_;
    int listener_{-1};
    const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
    int wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::array<char, 16384> chunk_;
    std::vector<std::uint64_t> committed_;
    Handover durable_;
    std::unique_ptr<GroupCommit> commit_;  // only with --append; last: it uses the others
};

bool parse(int argc, char** argv, Arguments& arguments) {
    if (argc % 2 != 0) return false;
    arguments.port = argv[1];
    for (int i = 2; i < argc; i += 2) {
        if (std::strcmp(argv[i], "--append") == 0) {
            arguments.append = argv[i + 1];
        } else if (std::strcmp(argv[i], "--batch") == 0) {
            arguments.batch = static_cast<unsigned>(std::atoi(argv[i + 1]));
        } else {
            return false;
        }
    }
    return arguments.batch > 0;
}

}  // namespace
}  // namespace tranter::bench

int main(int argc, char** argv) {
    tranter::bench::Arguments arguments;
    if (!tranter::bench::parse(argc, argv, arguments)) {
        std::fputs("usage: epoll_responder PORT [--batch MESSAGES] [--append FILE]\n", stderr);
        return 2;
    }
    try {
        tranter::bench::Responder(arguments).run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "epoll_responder: %s\n", error.what());
        return 1;
    }
}
