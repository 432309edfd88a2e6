#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace tranter::bench {

enum class Mode : std::uint8_t { send, receive, mixed, latency, idle, start };
enum class Api : std::uint8_t { sqs, beanstalk, redis, amqp };

/// What one run does. Every member is a command line option of the same name.
struct Options {
    Mode mode{Mode::send};
    Api api{Api::sqs};
    std::uint16_t port{};
    std::string queue{"bench"};
    unsigned threads{1};
    unsigned connections{16};
    unsigned batch{1};
    unsigned body_bytes{256};
    std::uint64_t messages{};            // 0: no limit
    double seconds{};                    // 0: no limit
    double warmup{};                     // seconds of the same load before the measurement
    std::uint64_t depth{};               // messages to queue before the measurement
    unsigned wait{20};                   // seconds a long poll waits (latency, idle)
    double rate{200};                    // messages per second (latency)
    unsigned producers{8};               // sending connections (latency)
    std::uint64_t seed{1};               // of the arrival times (latency)
    unsigned repeats{10};                // (start)
    pid_t server_pid{};                  // whose CPU time and memory to report
    bool number{};                       // stamp each request's messages, and check the order
    bool sdk_headers{};                  // add the headers that an AWS SDK sends
    bool json{};                         // one JSON line instead of a table
    std::vector<std::string> command{};  // what to start (start)
};

/// The text that --help prints.
[[nodiscard]] std::string usage();

/// Reads `MODE [--name value]... [-- COMMAND...]`. The error is a sentence for the user.
[[nodiscard]] std::expected<Options, std::string> parse_options(int argc, char** argv);

[[nodiscard]] const char* name_of(Mode mode);

}  // namespace tranter::bench
