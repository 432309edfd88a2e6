#include "http/server.hpp"

#include "base/error.hpp"
#include "http/connection.hpp"
#include "http/event_loop.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace tranter::http {
namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_round = 64;
constexpr Duration accept_pause = std::chrono::milliseconds(100);

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

SocketAddress parse_address(const ServerOptions& options) {
    const std::string host = options.address == "localhost" ? "127.0.0.1" : options.address;
    SocketAddress address;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(options.port);
        address.size = sizeof(sockaddr_in);
    } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(options.port);
        address.size = sizeof(sockaddr_in6);
    } else {
        throw SystemError(
            "cannot listen on '" + options.address + "': use an IP address or localhost"
        );
    }
    return address;
}

std::string peer_text(const sockaddr_storage& peer) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* address =
        peer.ss_family == AF_INET6
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&peer)->sin6_addr)
            : &reinterpret_cast<const sockaddr_in*>(&peer)->sin_addr;
    const auto size = static_cast<socklen_t>(text.size());
    return inet_ntop(peer.ss_family, address, text.data(), size) != nullptr ? text.data() : "";
}

/// Owns the listening socket.
class Listener {
  public:
    explicit Listener(const ServerOptions& options) {
        const SocketAddress address = parse_address(options);
        fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        // Not SO_REUSEPORT: see Acceptor. SO_REUSEADDR only lets us follow our own predecessor.
        if (fd_ < 0 || ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
            ::bind(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 ||
            ::listen(fd_, backlog) != 0) {
            const int error = errno;
            close();
            throw SystemError(
                "cannot listen on " + options.address + ":" + std::to_string(options.port) + ": " +
                std::generic_category().message(error)
            );
        }
    }
    ~Listener() { close(); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    int fd() const { return fd_; }

    std::uint16_t port() const {
        sockaddr_storage bound{};
        socklen_t size = sizeof(bound);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
        return ntohs(
            bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                        : reinterpret_cast<sockaddr_in*>(&bound)->sin_port
        );
    }

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

  private:
    int fd_ = -1;
};

/// Accepts on the first loop and deals the sockets out in turn.
///
/// One listener and not one per thread: SO_REUSEPORT would let a second server of the same user
/// take half of our clients without an error, and both it and EPOLLEXCLUSIVE spread a dozen
/// kept-alive connections unevenly. Accepting is once per connection, so one thread is enough.
class Acceptor final : public Pollable, public Timed {
  public:
    Acceptor(Listener& listener, std::vector<std::unique_ptr<EventLoop>>& loops)
        : listener_(listener), loops_(loops) {
        if (!first().watch(listener_.fd(), *this, EPOLLIN)) {
            throw SystemError("cannot watch a socket: " + std::generic_category().message(errno));
        }
    }

    void on_ready(std::uint32_t) override {
        for (int i = 0; i < accepts_per_round; ++i) {
            if (!accept_one()) return;
        }
    }

    /// Descriptors or memory may be there again.
    void on_deadline_passed() override {
        if (listener_.fd() < 0) return;
        if (!first().watch(listener_.fd(), *this, EPOLLIN)) wait_a_little();
    }

    void stop() {
        first().deadlines().remove(*this);
        listener_.close();
    }

  private:
    EventLoop& first() { return *loops_.front(); }

    bool accept_one() {
        sockaddr_storage peer{};
        socklen_t size = sizeof(peer);
        const int fd = ::accept4(
            listener_.fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC
        );
        if (fd < 0) {
            const bool out_of_something =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (out_of_something) pause();
            // Everything else concerns one client only (it gave up, a firewall refused it).
            return errno != EAGAIN && errno != EWOULDBLOCK && !out_of_something;
        }
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        deal(fd, peer_text(peer));
        return true;
    }

    // The listener stays readable while we are out of descriptors, so watching it would spin.
    void pause() {
        first().unwatch(listener_.fd());
        wait_a_little();
    }

    void wait_a_little() { first().deadlines().arm(*this, first().now() + accept_pause); }

    void deal(int fd, std::string peer) {
        ServerContext& context = first().context();
        const std::size_t limit = context.options.limits.connections;
        const std::size_t open = context.connections.fetch_add(1, std::memory_order_relaxed);
        const bool over_limit = open >= limit;
        EventLoop& loop = *loops_[turn_++ % loops_.size()];
        if (open >= limit + limit / 8 + 16) {
            // Even telling them costs too much now.
            context.connections.fetch_sub(1, std::memory_order_relaxed);
            ::close(fd);
        } else if (&loop == &first()) {
            loop.adopt(fd, std::move(peer), over_limit);
        } else if (!loop.mailbox()->post([&loop, fd, peer = std::move(peer), over_limit]() mutable {
                       loop.adopt(fd, std::move(peer), over_limit);
                   })) {
            context.connections.fetch_sub(1, std::memory_order_relaxed);
            ::close(fd);
        }
    }

    Listener& listener_;
    std::vector<std::unique_ptr<EventLoop>>& loops_;
    std::size_t turn_ = 0;
};

/// Signals are for the threads of the program, not for ours.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

}  // namespace

class Server::Impl {
  public:
    Impl(ServerOptions options, Handler handler)
        : context_{std::move(options), std::move(handler)},
          listener_(context_.options),
          port_(listener_.port()) {
        const unsigned threads = std::max(1U, context_.options.threads);
        for (unsigned i = 0; i < threads; ++i) {
            loops_.push_back(std::make_unique<EventLoop>(context_));
        }
    }

    std::uint16_t port() const { return port_; }
    std::size_t connections() const { return context_.connections.load(std::memory_order_relaxed); }

    void start() {
        acceptor_ = std::make_unique<Acceptor>(listener_, loops_);
        const SignalsBlocked blocked;
        for (auto& loop : loops_) {
            threads_.emplace_back([this, &loop] {
                loop->run();
                const std::lock_guard lock(mutex_);
                ++loops_ended_;
                ended_.notify_all();
            });
        }
    }

    void stop(Duration grace) {
        if (threads_.empty()) {
            listener_.close();
            return;
        }
        loops_.front()->mailbox()->post([this] { acceptor_->stop(); });
        for (auto& loop : loops_) {
            loop->mailbox()->post([&loop] { loop->begin_stop(); });
        }
        {
            std::unique_lock lock(mutex_);
            ended_.wait_for(lock, grace, [this] { return loops_ended_ == loops_.size(); });
        }
        for (auto& loop : loops_) {
            loop->mailbox()->post([&loop] { loop->finish(); });
        }
        for (auto& thread : threads_)
            thread.join();
        threads_.clear();
    }

  private:
    ServerContext context_;
    Listener listener_;
    std::uint16_t port_;
    std::vector<std::unique_ptr<EventLoop>> loops_;
    std::unique_ptr<Acceptor> acceptor_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::size_t loops_ended_ = 0;  // guarded by mutex_
};

Server::Server(ServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}

Server::~Server() {
    stop(Duration::zero());
}

std::uint16_t Server::port() const {
    return impl_->port();
}

std::size_t Server::connections() const {
    return impl_->connections();
}

void Server::start() {
    impl_->start();
}

void Server::stop(Duration grace) {
    impl_->stop(grace);
}

Exchange& Exchange::operator=(Exchange&& other) noexcept {
    Exchange replaced(std::move(*this));
    connection_ = std::move(other.connection_);
    return *this;
}

void Exchange::respond_dropped() {
    Response response;
    response.status = 500;
    response.content_type = "text/plain; charset=utf-8";
    response.body = "internal error\n";
    std::move(*this).respond(std::move(response));
}

void Exchange::respond(Response&& response) && {
    std::move(*this).respond(std::move(response), Settled{});
}

void Exchange::respond(Response&& response, Settled&& settled) && {
    const auto connection = std::move(connection_);
    connection->respond(std::move(response), std::move(settled));
}

void Exchange::on_disconnect(Hook hook) {
    connection_->set_on_disconnect(std::move(hook));
}

void Exchange::on_deadline(Duration after, Hook hook) {
    connection_->set_on_deadline(after, std::move(hook));
}

Stream Exchange::stream(Response&& head) && {
    auto connection = std::move(connection_);
    connection->begin_stream(std::move(head));
    return Stream(std::move(connection));
}

Stream& Stream::operator=(Stream&& other) noexcept {
    const Stream replaced(std::move(*this));
    connection_ = std::move(other.connection_);
    return *this;
}

Stream::~Stream() {
    if (connection_) connection_->end_stream();
}

bool Stream::write(std::shared_ptr<const std::string> piece) {
    return connection_->write_piece(std::move(piece));
}

}  // namespace tranter::http
