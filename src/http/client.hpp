#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <sys/socket.h>

#include <cstddef>
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

/// Of all headers of an answer, with those of interim answers before it.
inline constexpr std::size_t answer_header_bytes_max = std::size_t{256} << 10;

struct ClientRequest {
    std::string method = "GET";
    std::string url;  // http or https; anything else is refused
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    Duration timeout = std::chrono::seconds(30);  // for all of it; Duration::max(): none
    /// Nothing received for so long is `timed_out`; 0: not watched.
    Duration silence{};
    std::optional<Signing> signing{};
    /// Longer answers are `limit_exceeded`, and so are longer headers than the limit above.
    std::size_t body_bytes_max = std::size_t{64} << 20;
    /// Of a longer answer its beginning is an answer too, and the connection is closed.
    bool cuts_body = false;
    /// Asked about each address before it is connected to; false is `permission_denied`. With it no
    /// proxy is used, which would connect for us.
    std::function<bool(const sockaddr&)> may_connect{};
    /// Ends the request at once, from any thread, with `cancelled`; the connection is closed.
    std::stop_token stop{};
    /// A stop first says so to the server, by closing our half of the connection, and takes the
    /// answer if it comes within this time. Only with http:.
    Duration farewell{};
    /// Takes the body of a 2xx answer piece by piece as it arrives, instead of
    /// ClientResponse::body. False ends the request with `cancelled`.
    std::function<bool(std::string_view)> on_body{};
};

struct ClientResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
    std::string body{};
    bool is_cut = false;  // the body is longer; see ClientRequest::cuts_body
};

/// Whether a client would take this URL: http or https, no user name or password in it, nothing
/// that belongs into no URL.
[[nodiscard]] Result<void> check_url(std::string_view url);

/// Blocking HTTP client with a kept-alive connection. One object per thread.
///
/// https:, signatures, and http: through a proxy (http_proxy, all_proxy) are libcurl's, which is
/// loaded at first use: a process that needs none of them does not pay for it.
class Client {
  public:
    Client();
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    /// Any status is a success here. Errors: `unavailable` (cannot connect, connection lost),
    /// `timed_out`, `cancelled`, `permission_denied`, `limit_exceeded`, `invalid_argument` (bad
    /// URL), `internal` (libcurl missing).
    [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::http
