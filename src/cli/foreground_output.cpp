#include "cli/foreground_output.hpp"

#include "base/unicode.hpp"

#include <climits>
#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace tranter::cli {
namespace {

constexpr std::size_t waiting_bytes_max = std::size_t{1} << 20;
constexpr Duration unread_period = std::chrono::milliseconds(50);

}  // namespace

ForegroundOutput::~ForegroundOutput() {
    loop_.cancel(again_);
    while (!waiting_.empty() && write_some()) {
    }
}

void ForegroundOutput::print(const supervise::OutputLine& line) {
    if (waiting_.size() > waiting_bytes_max) {
        ++dropped_;
        return;
    }
    if (dropped_ > 0)
        waiting_ += fmt::format("tranter: {} lines were not read in time\n", dropped_);
    dropped_ = 0;
    waiting_ += fmt::format("{}:{} | {}\n", line.id.app, line.id.number, printable(line.text));
    if (again_ == supervise::EventLoop::TimerId::none) write();
}

/// A descriptor that somebody gave us is not made non-blocking, which would hold for all who have
/// it; but a pipe that is ready takes PIPE_BUF bytes at least.
bool ForegroundOutput::write_some() {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) return false;
    const std::size_t bytes = std::min<std::size_t>(waiting_.size(), PIPE_BUF);
    const ssize_t written = ::write(fd_, waiting_.data(), bytes);
    if (written < 0 && errno == EINTR) return true;
    // Nobody will ever read it.
    waiting_.erase(0, written < 0 ? waiting_.size() : static_cast<std::size_t>(written));
    return true;
}

void ForegroundOutput::write() {
    again_ = supervise::EventLoop::TimerId::none;
    while (!waiting_.empty()) {
        if (write_some()) continue;
        again_ = loop_.call_at(loop_.now() + unread_period, [this] { write(); });
        return;
    }
}

}  // namespace tranter::cli
