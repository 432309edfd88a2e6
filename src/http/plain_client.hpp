#pragma once

#include "base/descriptor.hpp"
#include "base/wake_event.hpp"
#include "http/client.hpp"
#include "http/patience.hpp"
#include "http/plain_url.hpp"
#include "http/response_reader.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::http {

/// HTTP/1.1 over a socket of our own, which is kept open between requests. For URLs without TLS,
/// requests without a proxy and without a signature, it is what Client promises; libcurl, with
/// thirty libraries behind it, is then not needed. One object per thread.
///
/// A request is sent a second time, whatever its method, only when a kept connection closes without
/// a byte of an answer, as libcurl does: the server closed it before the request came, unless it
/// died of the request.
class PlainClient {
  public:
    /// Headers have been checked: they are what is sent, beside Host, Content-Length and Accept.
    /// `url` points into the URL of the request.
    [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request, const PlainUrl& url);

  private:
    struct Outgoing;
    enum class Came : std::uint8_t { part, all, closed };

    Result<ClientResponse> exchange(const ClientRequest& request, const PlainUrl& url, int stop_fd);
    bool can_use_kept(const ClientRequest& request, const PlainUrl& url);
    /// Over socket_. Nothing when the server had closed it.
    Result<std::optional<ClientResponse>> talk(
        const ClientRequest& request, std::string_view head, Patience& patience
    );

    Result<Came> receive(int socket, ResponseReader& reader, Patience& patience);

    Descriptor socket_{};  // between requests: the kept connection, if there is one
    sockaddr_storage peer_{};
    std::string authority_{};  // that it leads to
    Patience::Time idle_since_{};
    std::unique_ptr<char[]> buffer_{};
    std::optional<WakeEvent> stopped_{};  // made with the first request that may be stopped
};

}  // namespace tranter::http
