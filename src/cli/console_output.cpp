#include "cli/console_output.hpp"

#include <climits>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>

namespace tranter::cli {
namespace {

using supervise::FileWork;

/// As many whole lines as a pipe takes at once, so that those of others in it stay whole as well.
std::string_view next_piece(std::string_view text) {
    if (text.size() <= PIPE_BUF) return text;
    const std::size_t end = text.rfind('\n', PIPE_BUF - 1);
    return text.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

/// Also with a descriptor that somebody else who has it has made non-blocking.
void write_patiently(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), next_piece(text).size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
            ::poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            // Nobody will ever read it.
            return;
        }
    }
}

/// What waits, shared by whoever prints and by the thread that does it.
class Waiting {
  public:
    explicit Waiting(ConsoleOutput::Options options) : options_(std::move(options)) {}

    /// Whether somebody has to be told that there is something to print, or to say.
    bool add(std::string_view lines) {
        const std::lock_guard lock(mutex_);
        const auto count = static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
        if (dropped_ > 0 || waiting_bytes_ + lines.size() > options_.waiting_bytes_max) {
            dropped_ += count;
        } else {
            waiting_ += lines;
            waiting_bytes_ += lines.size();
        }
        return !std::exchange(is_told_, true);
    }

    void print() {
        while (true) {
            std::string text;
            std::uint64_t dropped = 0;
            {
                const std::lock_guard lock(mutex_);
                text.swap(waiting_);
                if (text.empty()) dropped = std::exchange(dropped_, 0);
                if (text.empty() && dropped == 0) {
                    is_told_ = false;
                    return;
                }
            }
            if (dropped > 0) text = options_.say_dropped(dropped);
            write_patiently(options_.fd, text);
            const std::lock_guard lock(mutex_);
            if (dropped == 0) waiting_bytes_ -= text.size();
        }
    }

  private:
    const ConsoleOutput::Options options_;
    std::mutex mutex_{};
    // Guarded by mutex_:
    std::string waiting_{};
    std::size_t waiting_bytes_ = 0;  // with what is being printed
    std::uint64_t dropped_ = 0;
    bool is_told_ = false;
};

ConsoleOutput::Printer printer_to(ConsoleOutput::Options options, FileWork& work) {
    auto lane = work.make_lane("descriptor " + std::to_string(options.fd));
    auto waiting = std::make_shared<Waiting>(std::move(options));
    return [waiting, lane, post = work.poster()](std::string_view lines) {
        if (!waiting->add(lines)) return;
        post(lane, [waiting](const std::stop_token&) { waiting->print(); });
    };
}

}  // namespace

ConsoleOutput::ConsoleOutput(Options options)
    : work_({.end_patience = std::chrono::milliseconds(500)}),
      printer_(printer_to(std::move(options), work_)) {}

}  // namespace tranter::cli
