#include "http/plain_client.hpp"

#include "http/dial.hpp"
#include "http/response_reader.hpp"
#include "http/text.hpp"

#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <stop_token>
#include <system_error>
#include <utility>

namespace tranter::http {
namespace {

/// Things between us and the server forget connections that nothing goes over. As in libcurl.
constexpr auto kept_for = std::chrono::seconds(118);
constexpr std::size_t read_bytes = std::size_t{64} << 10;

std::string request_head(const ClientRequest& request, const PlainUrl& url) {
    std::string head;
    head.reserve(256 + url.target.size());
    head.append(request.method).append(url.target.starts_with('/') ? " " : " /");
    head.append(url.target).append(" HTTP/1.1\r\nHost: ").append(url.authority).append("\r\n");
    bool accepts = false;
    for (const auto& [name, value] : request.headers) {
        head.append(name).append(": ").append(value).append("\r\n");
        accepts = accepts || same_ignoring_case(name, "accept");
    }
    if (!accepts) head += "Accept: */*\r\n";
    const bool has_length =
        request.method == "GET" ? !request.body.empty() : request.method != "HEAD";
    if (has_length) {
        head.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    }
    return head += "\r\n";
}

/// The event of a stop that was seen is none of the next request.
struct CleanUp {
    const std::stop_token& stop;
    const WakeEvent& event;

    ~CleanUp() {
        if (stop.stop_requested()) event.clear();
    }
};

}  // namespace

/// What is left of a request to be sent.
struct PlainClient::Outgoing {
    std::string_view head;
    std::string_view body;
    bool refused = false;  // the server takes no more

    bool is_sent() const { return head.empty() && body.empty(); }
    bool goes_on() const { return !refused && !is_sent(); }

    void send_some(int socket) {
        std::array<iovec, 2> parts{{
            {.iov_base = const_cast<char*>(head.data()), .iov_len = head.size()},
            {.iov_base = const_cast<char*>(body.data()), .iov_len = body.size()},
        }};
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        const auto put = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0) {
            refused = errno != EAGAIN && errno != EINTR;
            return;
        }
        const std::size_t of_head = std::min(head.size(), static_cast<std::size_t>(put));
        head.remove_prefix(of_head);
        body.remove_prefix(static_cast<std::size_t>(put) - of_head);
    }
};

Result<ClientResponse> PlainClient::send(const ClientRequest& request, const PlainUrl& url) {
    const auto cancelled = [] {
        return fail(Errc::cancelled, "ended by the caller");
    };
    if (request.stop.stop_requested()) return cancelled();
    if (!request.stop.stop_possible()) return exchange(request, url, -1);
    if (!stopped_) {
        auto made = WakeEvent::make();
        if (!made) return std::unexpected(std::move(made.error()));
        stopped_ = std::move(*made);
    }
    const CleanUp clean_up{request.stop, *stopped_};
    const std::stop_callback on_stop(request.stop, [this] { stopped_->wake(); });
    auto answer = exchange(request, url, stopped_->get());
    // Whatever went wrong after a stop, it was to end.
    if (!answer && request.stop.stop_requested()) return cancelled();
    return answer;
}

Result<ClientResponse> PlainClient::exchange(
    const ClientRequest& request, const PlainUrl& url, int stop_fd
) {
    Patience patience(request, stop_fd);
    const std::string head = request_head(request, url);
    if (can_use_kept(request, url)) {
        auto answer = talk(request, head, patience);
        if (!answer) return std::unexpected(std::move(answer.error()));
        if (*answer) return std::move(**answer);
    }
    socket_.reset();
    auto dialed = dial(std::string(url.host), url.port, request.may_connect, patience);
    if (!dialed) return std::unexpected(std::move(dialed.error()));
    socket_ = std::move(dialed->socket);
    peer_ = dialed->peer;
    authority_ = url.authority;
    auto answer = talk(request, head, patience);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (*answer) return std::move(**answer);
    return fail(Errc::unavailable, "the connection was closed without an answer");
}

/// Rules may have come since it was made, and what can be read from it is no answer to anything.
bool PlainClient::can_use_kept(const ClientRequest& request, const PlainUrl& url) {
    if (!socket_ || authority_ != url.authority) return false;
    if (std::chrono::steady_clock::now() - idle_since_ > kept_for) return false;
    if (request.may_connect && !request.may_connect(reinterpret_cast<const sockaddr&>(peer_))) {
        return false;
    }
    char byte = 0;
    const auto got = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/// Reads what has come. `closed` when the server did so before the first byte.
Result<PlainClient::Came> PlainClient::receive(
    int socket, ResponseReader& reader, Patience& patience
) {
    // On the stack all of it would be touched, of each thread.
    if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(read_bytes);
    const auto got = ::recv(socket, buffer_.get(), read_bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Came::part;
    if (got <= 0 && !reader.started()) return Came::closed;
    if (got < 0) {
        return fail(
            Errc::unavailable, "the connection was lost: " + std::generic_category().message(errno)
        );
    }
    const auto size = static_cast<std::size_t>(got);
    patience.hear(size);
    const auto state = size == 0 ? reader.finish() : reader.feed({buffer_.get(), size});
    if (state == ResponseReader::State::failed) return std::unexpected(reader.error());
    return state == ResponseReader::State::complete ? Came::all : Came::part;
}

Result<std::optional<ClientResponse>> PlainClient::talk(
    const ClientRequest& request, std::string_view head, Patience& patience
) {
    Descriptor socket = std::move(socket_);
    ResponseReader reader(request);
    Outgoing outgoing{.head = head, .body = {}};
    if (request.method != "HEAD") outgoing.body = request.body;
    bool leaving = false;
    for (;;) {
        if (outgoing.goes_on()) outgoing.send_some(socket.get());
        const int events = outgoing.goes_on() ? POLLIN | POLLOUT : POLLIN;
        std::array<pollfd, 2> waits{};
        waits[1] = {.fd = socket.get(), .events = static_cast<short>(events), .revents = 0};
        const auto woken = patience.wait(waits);
        if (!woken) return std::unexpected(woken.error());
        if (*woken == Patience::Woken::stopped) {
            // Half of a request is none that could be answered.
            leaving = request.farewell > Duration::zero() && outgoing.is_sent() &&
                      ::shutdown(socket.get(), SHUT_WR) == 0;
            if (!leaving) return fail(Errc::cancelled, "ended by the caller");
            patience.say_farewell();
            continue;
        }
        if ((waits[1].revents & ~POLLOUT) == 0) continue;
        const auto came = receive(socket.get(), reader, patience);
        if (!came) return std::unexpected(came.error());
        if (*came == Came::closed) {
            // Who has said goodbye does not come back.
            if (leaving) return fail(Errc::cancelled, "ended by the caller");
            return std::nullopt;
        }
        if (*came == Came::part) continue;
        if (reader.keep_alive() && outgoing.is_sent() && !leaving) {
            socket_ = std::move(socket);
            idle_since_ = std::chrono::steady_clock::now();
        }
        return reader.take();
    }
}

}  // namespace tranter::http
