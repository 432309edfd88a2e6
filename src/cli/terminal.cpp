#include "cli/terminal.hpp"

#include "base/error.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace tranter::cli {

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            if (errno == EPIPE) throw OutputClosed();
            throw SystemError(fmt::format("cannot write the output: {}", std::strerror(errno)));
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string read_all(int fd, std::string_view what) {
    std::string text;
    std::array<char, 65536> chunk;
    while (true) {
        const ssize_t got = ::read(fd, chunk.data(), chunk.size());
        if (got < 0) {
            if (errno == EINTR) continue;
            throw SystemError(fmt::format("cannot read {}: {}", what, std::strerror(errno)));
        }
        if (got == 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

bool LineReader::next(std::string& line) {
    std::size_t searched = read_;
    while (true) {
        const std::size_t end = buffer_.find('\n', searched);
        if (end != std::string::npos) {
            line.assign(buffer_, read_, end - read_);
            read_ = end + 1;
            return true;
        }
        searched = buffer_.size() - read_;
        if (!fill()) break;
    }
    if (read_ == buffer_.size()) return false;
    line.assign(buffer_, read_);
    read_ = buffer_.size();
    return true;
}

bool LineReader::fill() {
    if (ended_) return false;
    buffer_.erase(0, read_);
    read_ = 0;
    std::array<char, 65536> chunk;
    ssize_t got = 0;
    do {
        got = ::read(fd_, chunk.data(), chunk.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw SystemError(fmt::format("cannot read {}: {}", what_, std::strerror(errno)));
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    ended_ = got == 0;
    return !ended_;
}

bool is_terminal(int fd) {
    return ::isatty(fd) == 1;
}

std::size_t terminal_columns(int fd) {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool has_colours(int fd) {
    const char* refused = std::getenv("NO_COLOR");
    if (refused != nullptr && *refused != '\0') return false;
    const char* term = std::getenv("TERM");
    return is_terminal(fd) && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

void prepare_standard_streams() {
    std::signal(SIGPIPE, SIG_IGN);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        // The wrong direction on purpose: reading or writing it fails with EBADF as before. open
        // takes the lowest free number, which is this one.
        const int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (::open("/dev/null", mode) != fd) return;
    }
}

void say(std::string_view text) {
    const std::string line = fmt::format("tranter: {}\n", printable(text));
    // Nobody is left to tell when stderr does not work either.
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tranter::cli
