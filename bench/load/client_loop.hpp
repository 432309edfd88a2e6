#pragma once

#include "load/connection.hpp"
#include "load/protocol.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::bench {

/// A connection and the one request that is under way on it.
struct Client {
    Connection connection;
    Op op{};
    unsigned count{};
    std::uint64_t started{};  // when the request was written
    bool busy{};
    bool dead{};               // its connection broke or its answer was wrong: out of the run
    unsigned empty_answers{};  // receives in a row that found nothing
};

/// The connections of one thread and their epoll loop. Knows requests and answers but not what to
/// ask next: that is the handler's part. A failure takes its client out of the run and is counted.
class ClientLoop {
  public:
    /// Called with each answer; its views are valid during the call. `now` is when it was read.
    using Handler = std::function<void(Client&, const Answer&, std::uint64_t now)>;

    /// Opens all connections. `protocol` must outlive the loop.
    ClientLoop(const Protocol& protocol, std::uint16_t port, unsigned connections);
    ClientLoop(const ClientLoop&) = delete;
    ClientLoop& operator=(const ClientLoop&) = delete;

    [[nodiscard]] std::span<Client> clients() { return clients_; }

    void create(Client& client);
    void send(Client& client, unsigned count, std::string_view stamp = {});
    void receive(Client& client, unsigned max, unsigned wait_seconds);
    void remove(Client& client, std::span<const std::string_view> handles);

    /// Waits until something arrives or the time is over, and hands over every complete answer.
    void poll(std::uint64_t timeout_ns, const Handler& handler);

    [[nodiscard]] std::uint64_t errors() const { return errors_; }
    [[nodiscard]] const std::string& first_error() const { return first_error_; }

  private:
    void start(Client& client, Op op, unsigned count);
    void read(Client& client, const Handler& handler);
    void watch(Client& client, bool for_writing);
    void fail(Client& client, const std::string& why);

    /// Closes itself, also when a connection cannot be opened.
    struct Epoll {
        Epoll();
        Epoll(const Epoll&) = delete;
        Epoll& operator=(const Epoll&) = delete;
        ~Epoll();
        int fd;
    };

    const Protocol& protocol_;
    Epoll epoll_;
    std::vector<Client> clients_;
    // Reused, so that a run allocates nothing.
    Answer answer_;
    std::vector<char> chunk_ = std::vector<char>(65536);
    std::uint64_t errors_{};
    std::string first_error_;
};

/// Makes the queue and waits for the answer. Throws std::runtime_error when that fails.
void create_queue(const Protocol& protocol, std::uint16_t port);

}  // namespace tranter::bench
