#pragma once

#include "http/message.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace tranter::admin {

// What those are told who may not pass.
inline constexpr std::string_view token_text = "this needs the header Authorization: Bearer TOKEN";
inline constexpr std::string_view too_many_text =
    "too many wrong tokens from this address, wait a moment";

/// Asks for a bearer token. Thread-safe.
class TokenGate {
  public:
    /// An empty token lets everybody pass.
    explicit TokenGate(std::string token) : token_(std::move(token)) {}

    enum class Verdict : std::uint8_t {
        pass,
        wrong,
        too_many,  // wrong again, after many wrong ones from this address
    };
    /// A right token always passes: an address may be that of a proxy, and one client behind it
    /// must not lock the others out. What the limit saves is work and log lines; guessing is
    /// hopeless for a token of 16 characters.
    Verdict check(const http::Request& request);

  private:
    using Clock = std::chrono::steady_clock;
    struct Failures {
        double allowance = 0;
        Clock::time_point at{};
    };
    Verdict count_failure(std::string_view peer);

    const std::string token_;
    std::mutex mutex_;
    std::map<std::string, Failures, std::less<>> failures_;  // guarded by mutex_
};

}  // namespace tranter::admin
