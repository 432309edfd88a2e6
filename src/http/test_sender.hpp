#pragma once

#include "http/client.hpp"
#include "http/curl_client.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace tranter::http {

/// What sends the requests of a test: Client itself, which needs no libcurl for these, or libcurl.
enum class By : std::uint8_t { client, libcurl };

class Sender {
  public:
    explicit Sender(By by) : by_(by) {}

    Result<ClientResponse> send(const ClientRequest& request) {
        return by_ == By::client ? client_.send(request) : by_libcurl_.send(request);
    }

  private:
    const By by_;
    Client client_{};
    CurlClient by_libcurl_{};
};

/// For both, in INSTANTIATE_TEST_SUITE_P.
inline auto by_both() {
    return testing::Values(By::client, By::libcurl);
}
inline std::string name_of_sender(const testing::TestParamInfo<By>& info) {
    return info.param == By::client ? "client" : "libcurl";
}

}  // namespace tranter::http
