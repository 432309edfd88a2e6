#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "http/client.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::providers {

/// What is asked of a server.
struct HttpCall {
    std::string_view method = "GET";
    std::string path{};  // below the base, encoded
    std::string body{};
    Duration timeout = std::chrono::seconds(30);
    enum class Repeat : std::uint8_t { no, yes } repeat = Repeat::no;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::stop_token stop{};
    Duration farewell{};  // see http::ClientRequest
};

struct HttpAnswer {
    int status = 0;
    std::string body{};
    bool repeated = false;  // an attempt before this one may have done its work
};

/// The way to one server: its address, its token, and connections that are kept open. Thread-safe.
class HttpLink {
  public:
    /// `base` has no slash at its end.
    HttpLink(std::string base, std::string token)
        : base_(std::move(base)), token_(std::move(token)) {}

    /// Answers with a status of 2xx; any other is the error that its body says. `unavailable` when
    /// no answer came, after some more attempts if the call may be repeated, and after close();
    /// `cancelled` when the call was stopped.
    [[nodiscard]] Result<HttpAnswer> call(const HttpCall& call);

    /// A GET whose body is taken as it arrives, until `take` returns false, the stop, or the end.
    [[nodiscard]] Result<> stream(
        const std::string& path,
        const std::string& last_event_id,
        std::stop_token stop,
        std::function<bool(std::string_view)> take
    );

    /// Ends calls under way.
    void close() { closing_.request_stop(); }
    bool closed() const { return closing_.stop_requested(); }
    std::stop_token closing() const { return closing_.get_token(); }

  private:
    Result<http::ClientResponse> send(const HttpCall& call);
    http::ClientRequest request_of(std::string_view method, const std::string& path) const;
    std::unique_ptr<http::Client> take_client();
    void give_back(std::unique_ptr<http::Client> client);

    const std::string base_;
    const std::string token_;
    std::stop_source closing_{};
    std::mutex mutex_;
    std::vector<std::unique_ptr<http::Client>> idle_;  // guarded by mutex_
};

}  // namespace tranter::providers
