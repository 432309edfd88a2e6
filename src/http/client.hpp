#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::http {

/// Signs the request with AWS Signature Version 4.
struct Signing {
    std::string region;
    std::string service;
    std::string access_key;
    std::string secret_key;
    std::string session_token{};  // empty: none
};

struct ClientRequest {
    std::string method = "GET";
    std::string url;  // http or https; anything else is refused
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    Duration timeout = std::chrono::seconds(30);  // for all of it; Duration::max(): none
    /// Nothing received for so long is `timed_out`; 0: not watched.
    Duration silence{};
    std::optional<Signing> signing{};
    /// Ends the request at once, from any thread, with `cancelled`; the connection is closed.
    std::stop_token stop{};
    /// Takes the body of a 2xx answer piece by piece as it arrives, instead of
    /// ClientResponse::body. False ends the request with `cancelled`.
    std::function<bool(std::string_view)> on_body{};
};

struct ClientResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
    std::string body{};
};

/// Blocking HTTP client with a kept-alive connection. One object per thread. libcurl is loaded at
/// first use, so a process that never calls out does not pay for it.
class Client {
  public:
    Client();
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    /// Any status is a success here. Errors: `unavailable` (cannot connect, connection lost),
    /// `timed_out`, `cancelled`, `invalid_argument` (bad URL), `internal` (libcurl missing).
    [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::http
