#pragma once

#include "http/client.hpp"

#include <memory>

namespace tranter::http {

/// What Client promises, by libcurl, for everything. Loads it at first use. URL and headers have
/// been checked. `internal` when libcurl is missing. One object per thread.
class CurlClient {
  public:
    CurlClient();
    ~CurlClient();
    CurlClient(CurlClient&&) noexcept;
    CurlClient& operator=(CurlClient&&) noexcept;

    [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::http
