#pragma once

#include <optional>
#include <string>

namespace tranter::cli {

/// What the command line (or the TRANTER_* variable that stands for a flag) said about `tranter
/// serve`. A member without a value was not given: the config file, then the built-in default,
/// decides. Syntax is checked already; whether an address can be listened on is not.
struct ServeFlags {
    std::optional<std::string> config_file{};  // tranter.toml or elasticmq.conf
    std::optional<std::string> sqs{};          // ADDR:PORT, an IPv6 address in brackets
    std::optional<std::string> admin{};        // ADDR:PORT
    std::optional<std::string> provider{};     // URL of a store, instead of queues of its own
    std::optional<std::string> data{};         // directory
    std::optional<std::string> durability{};   // none | os | sync
    std::optional<bool> repair{};
    std::optional<std::string> limits{};  // strict | relaxed
    std::optional<bool> auto_create{};
    std::optional<int> threads{};  // 1 .. 1024
    std::optional<bool> insecure{};
    std::optional<bool> require_durable{};
    std::optional<std::string> log_format{};  // json | logfmt | pretty
    std::optional<std::string> log_level{};   // debug | info | warn | error
    std::optional<int> ready_fd{};            // >= 0; one line is written when the server listens
};

}  // namespace tranter::cli
