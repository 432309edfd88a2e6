#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tranter::cli {

/// Tells whoever started us that the server listens: one line on the file descriptor of
/// --ready-fd, which is then closed, and READY=1 to systemd's NOTIFY_SOCKET. A listener that is
/// gone is not our problem: failures are ignored.
void announce_ready(std::optional<int> ready_fd, const std::string& line);

/// It has begun and cannot be ready yet: whoever started us is asked for more time than it takes
/// until this is said again, and told why.
void announce_waiting(std::string_view why);

/// STOPPING=1 to NOTIFY_SOCKET.
void announce_stopping();

}  // namespace tranter::cli
