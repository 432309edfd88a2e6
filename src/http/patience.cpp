#include "http/patience.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace tranter::http {
namespace {

constexpr auto wait_max = std::chrono::milliseconds(60'000);

/// Durations may be as long as there are.
Patience::Time later_by(Patience::Time time, Duration duration) {
    const auto left = std::chrono::duration_cast<Duration>(Patience::never - time);
    return duration < left ? time + duration : Patience::never;
}

}  // namespace

Patience::Patience(const ClientRequest& request, int stop_fd)
    : request_(request),
      stop_fd_(stop_fd),
      deadline_(later_by(std::chrono::steady_clock::now(), request.timeout)),
      heard_(std::chrono::steady_clock::now()) {}

Result<Patience::Woken> Patience::wait(std::span<pollfd> sockets, Time until) {
    sockets.front() = {.fd = stop_fd_, .events = POLLIN, .revents = 0};
    for (;;) {
        const Time silence_end =
            request_.silence > Duration::zero() ? later_by(heard_, request_.silence) : never;
        const Time end = std::min({deadline_, silence_end, farewell_end_, until});
        const Time now = std::chrono::steady_clock::now();
        if (end <= now) {
            if (end == until) return Woken::later;
            return too_late(now);
        }
        const auto left =
            std::min(wait_max, std::chrono::ceil<std::chrono::milliseconds>(end - now));
        const int ready = ::poll(sockets.data(), sockets.size(), static_cast<int>(left.count()));
        if (ready < 0 && errno != EINTR) {
            return fail(Errc::internal, "poll: " + std::generic_category().message(errno));
        }
        if (ready <= 0) continue;
        return sockets.front().revents != 0 ? Woken::stopped : Woken::ready;
    }
}

std::unexpected<Error> Patience::too_late(Time now) const {
    if (farewell_end_ <= now) return fail(Errc::cancelled, "ended by the caller");
    if (deadline_ > now) return fail(Errc::timed_out, "nothing was received for too long");
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(request_.timeout);
    return fail(
        Errc::timed_out,
        "timed out after " + std::to_string(timeout.count()) + " ms with " +
            std::to_string(bytes_heard_) + " bytes received"
    );
}

void Patience::hear(std::size_t bytes) {
    bytes_heard_ += bytes;
    if (request_.silence > Duration::zero()) heard_ = std::chrono::steady_clock::now();
}

void Patience::say_farewell() {
    stop_fd_ = -1;
    farewell_end_ = later_by(std::chrono::steady_clock::now(), request_.farewell);
}

}  // namespace tranter::http
