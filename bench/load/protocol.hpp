#pragma once

#include "load/options.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::bench {

/// One request kind. `remove` deletes received messages.
enum class Op : std::uint8_t { create, send, receive, remove };
inline constexpr std::size_t op_count = 4;

/// What one answer said. The views point into the bytes that were read and die with them.
struct Answer {
    unsigned messages{};                    // how many messages the server confirmed or handed out
    std::vector<std::string_view> handles;  // receive: what remove() wants
    std::vector<std::string_view> bodies;   // receive: the start of each body, as sent
};

/// The wire format of one server: renders requests, reads answers. Immutable, so threads share it.
class Protocol {
  public:
    virtual ~Protocol() = default;

    /// What every connection says first, together with its first request. read() skips the answers.
    virtual void hello(std::string& /*out*/) const {}
    /// Makes the queue if it is missing.
    virtual void create(std::string& out) const = 0;
    /// `stamp` replaces the first bytes of every body; it must need no escaping.
    virtual void send(std::string& out, unsigned count, std::string_view stamp) const = 0;
    virtual void receive(std::string& out, unsigned max, unsigned wait_seconds) const = 0;
    virtual void remove(std::string& out, std::span<const std::string_view> handles) const = 0;

    /// Reads the answer to `op` over `count` messages from the front of `input`. Returns its
    /// length, 0 while it is incomplete, or what is wrong with it: anything but success is an
    /// error.
    [[nodiscard]] virtual std::expected<std::size_t, std::string> read(
        Op op, unsigned count, std::string_view input, Answer& answer
    ) const = 0;
};

[[nodiscard]] std::unique_ptr<Protocol> make_sqs_protocol(const Options& options);
[[nodiscard]] std::unique_ptr<Protocol> make_beanstalk_protocol(const Options& options);
[[nodiscard]] std::unique_ptr<Protocol> make_redis_protocol(const Options& options);
[[nodiscard]] std::unique_ptr<Protocol> make_amqp_protocol(const Options& options);
[[nodiscard]] std::unique_ptr<Protocol> make_protocol(const Options& options);

/// A body of the wanted size: letters and digits, the same in every run.
[[nodiscard]] std::string make_body(unsigned bytes);

}  // namespace tranter::bench
