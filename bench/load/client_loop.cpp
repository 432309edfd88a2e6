#include "load/client_loop.hpp"

#include "load/usage.hpp"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <stdexcept>

namespace tranter::bench {

ClientLoop::Epoll::Epoll() : fd(epoll_create1(EPOLL_CLOEXEC)) {}

ClientLoop::Epoll::~Epoll() {
    close(fd);
}

ClientLoop::ClientLoop(const Protocol& protocol, std::uint16_t port, unsigned connections)
    : protocol_(protocol) {
    clients_.reserve(connections);  // epoll keeps pointers to them
    for (unsigned i = 0; i < connections; ++i) {
        Client& client = clients_.emplace_back(Connection(port));
        protocol_.hello(client.connection.out());
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &client;
        epoll_ctl(epoll_.fd, EPOLL_CTL_ADD, client.connection.fd(), &event);
    }
}

void ClientLoop::create(Client& client) {
    protocol_.create(client.connection.out());
    start(client, Op::create, 1);
}

void ClientLoop::send(Client& client, unsigned count, std::string_view stamp) {
    protocol_.send(client.connection.out(), count, stamp);
    start(client, Op::send, count);
}

void ClientLoop::receive(Client& client, unsigned max, unsigned wait_seconds) {
    protocol_.receive(client.connection.out(), max, wait_seconds);
    start(client, Op::receive, max);
}

void ClientLoop::remove(Client& client, std::span<const std::string_view> handles) {
    protocol_.remove(client.connection.out(), handles);
    start(client, Op::remove, static_cast<unsigned>(handles.size()));
}

void ClientLoop::start(Client& client, Op op, unsigned count) {
    client.op = op;
    client.count = count;
    client.busy = true;
    client.started = now_ns();
    try {
        if (!client.connection.flush()) watch(client, true);
    } catch (const std::exception& error) {
        fail(client, error.what());
    }
}

void ClientLoop::poll(std::uint64_t timeout_ns, const Handler& handler) {
    std::array<epoll_event, 256> events;
    const timespec timeout{
        static_cast<time_t>(timeout_ns / 1'000'000'000U),
        static_cast<long>(timeout_ns % 1'000'000'000U)};
    const int ready =
        epoll_pwait2(epoll_.fd, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < ready; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        Client& client = *static_cast<Client*>(event.data.ptr);
        try {
            if ((event.events & EPOLLOUT) != 0 && client.connection.flush()) watch(client, false);
            if ((event.events & ~static_cast<unsigned>(EPOLLOUT)) != 0) read(client, handler);
        } catch (const std::exception& error) {
            fail(client, error.what());
        }
    }
}

void ClientLoop::read(Client& client, const Handler& handler) {
    client.connection.fill(chunk_);
    if (!client.busy) {
        fail(client, "the server answered without being asked");
        return;
    }
    const std::string_view input = client.connection.input();
    answer_.messages = 0;
    answer_.handles.clear();
    answer_.bodies.clear();
    const auto length = protocol_.read(client.op, client.count, input, answer_);
    if (!length) {
        fail(client, length.error());
        return;
    }
    if (*length == 0) return;
    if (*length != input.size()) {
        fail(client, "the server sent more than one answer to one request");
        return;
    }
    client.busy = false;
    handler(client, answer_, now_ns());
    client.connection.consume(*length);
}

void ClientLoop::watch(Client& client, bool for_writing) {
    epoll_event event{};
    event.events = EPOLLIN | (for_writing ? static_cast<unsigned>(EPOLLOUT) : 0U);
    event.data.ptr = &client;
    epoll_ctl(epoll_.fd, EPOLL_CTL_MOD, client.connection.fd(), &event);
}

void ClientLoop::fail(Client& client, const std::string& why) {
    if (client.dead) return;
    client.dead = true;
    client.busy = false;
    epoll_ctl(epoll_.fd, EPOLL_CTL_DEL, client.connection.fd(), nullptr);
    if (errors_++ == 0) first_error_ = why;
}

void create_queue(const Protocol& protocol, std::uint16_t port) {
    static constexpr std::uint64_t patience_ns = 10'000'000'000U;
    ClientLoop loop(protocol, port, 1);
    bool answered = false;
    const std::uint64_t deadline = now_ns() + patience_ns;
    loop.create(loop.clients()[0]);
    while (!answered && loop.errors() == 0) {
        if (now_ns() > deadline) throw std::runtime_error("the server does not answer");
        loop.poll(100'000'000, [&](Client&, const Answer&, std::uint64_t) { answered = true; });
    }
    if (!answered) throw std::runtime_error("cannot create the queue: " + loop.first_error());
}

}  // namespace tranter::bench
