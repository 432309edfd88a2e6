#include "cli/screen.hpp"

#include "base/wake_event.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::string_view enter_bytes = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave_bytes = "\x1b[0m\x1b[?25h\x1b[?1049l";
/// How long an ESC may wait for the rest of its sequence.
constexpr auto key_patience = std::chrono::milliseconds(50);

constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr std::array changing_signals{SIGWINCH, SIGCONT};
constexpr std::array crash_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t signals_watched =
    ending_signals.size() + changing_signals.size() + crash_signals.size();

static_assert(std::atomic<int>::is_always_lock_free);

/// What a signal handler needs. Constant while handlers are in place, but for the atomics.
struct HandlerState {
    termios before{};
    std::array<std::pair<int, struct sigaction>, signals_watched> actions{};
    int wake = -1;
    std::atomic<int> ended_by = 0;
    std::atomic<int> changed = 0;
};
HandlerState& handler_state() {
    // Never destroyed, as signals come when they want.
    static HandlerState& state = *new HandlerState;
    return state;
}

/// Safe in a signal handler.
void restore_terminal() {
    [[maybe_unused]] const ssize_t ignored =
        ::write(STDOUT_FILENO, leave_bytes.data(), leave_bytes.size());
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &handler_state().before);
}

void restore_action(int signal) {
    for (const auto& [number, action] : handler_state().actions) {
        if (number == signal) ::sigaction(signal, &action, nullptr);
    }
}

void wake_screen() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(handler_state().wake, &one, sizeof one);
}

extern "C" void on_ending_signal(int signal) {
    const int saved = errno;
    if (handler_state().ended_by.exchange(signal) != 0) {
        restore_terminal();
        std::signal(signal, SIG_DFL);
        ::raise(signal);
    }
    wake_screen();
    errno = saved;
}

extern "C" void on_changing_signal(int /*signal*/) {
    const int saved = errno;
    handler_state().changed = 1;
    wake_screen();
    errno = saved;
}

/// Whoever was there before gets it, once the terminal is as it was: most often nobody, and the
/// process dies of it.
extern "C" void on_crash_signal(int signal) {
    restore_terminal();
    restore_action(signal);
    ::raise(signal);
}

bool is_plain_terminal() {
    const char* term = std::getenv("TERM");
    return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

}  // namespace

class Screen::Terminal {
  public:
    Terminal() {
        HandlerState& state = handler_state();
        if (::tcgetattr(STDIN_FILENO, &state.before) != 0) {
            throw SystemError(fmt::format("cannot use the terminal: {}", std::strerror(errno)));
        }
        state.wake = wake_.get();
        state.ended_by = 0;
        state.changed = 0;
        std::size_t next = 0;
        for (const int signal : ending_signals)
            take(state.actions.at(next++), signal, on_ending_signal);
        for (const int signal : changing_signals)
            take(state.actions.at(next++), signal, on_changing_signal);
        for (const int signal : crash_signals)
            take(state.actions.at(next++), signal, on_crash_signal);
        enter();
    }

    ~Terminal() {
        restore_terminal();
        for (const auto& [signal, action] : handler_state().actions)
            ::sigaction(signal, &action, nullptr);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    /// Also after the process was stopped and went on, when a shell has changed everything.
    void enter() const {
        termios raw = handler_state().before;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
        raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        write_all(STDOUT_FILENO, enter_bytes);
    }

    const WakeEvent& wake() const { return wake_; }

  private:
    static void take(std::pair<int, struct sigaction>& before, int signal, void (*handler)(int)) {
        struct sigaction action {};
        action.sa_handler = handler;
        ::sigemptyset(&action.sa_mask);
        before.first = signal;
        ::sigaction(signal, &action, &before.second);
    }

    WakeEvent wake_{};
};

Screen::Screen() : terminal_(std::make_unique<Terminal>()) {}
Screen::~Screen() = default;

Result<> Screen::check(std::string_view name, std::string_view instead) {
    if (is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && !is_plain_terminal()) return {};
    return fail(Errc::invalid_argument, fmt::format("{} needs a terminal; {}", name, instead));
}

ScreenSize Screen::size() const {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return {};
    }
    return {.columns = size.ws_col, .rows = size.ws_row};
}

void Screen::show(Frame frame) {
    write_all(STDOUT_FILENO, repaint(shown_, frame));
    shown_ = std::move(frame);
}

Screen::Waited Screen::wait(Duration limit) {
    const Duration patience = keys_.waits() ? std::min<Duration>(limit, key_patience) : limit;
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
    std::array<pollfd, 2> waits{{
        {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
        {.fd = terminal_->wake().get(), .events = POLLIN, .revents = 0},
    }};
    Waited waited;
    const int ready =
        ::poll(waits.data(), waits.size(), static_cast<int>(std::max<std::int64_t>(millis, 0)));
    if (ready == 0) waited.keys = keys_.rest();
    terminal_->wake().clear();
    HandlerState& state = handler_state();
    waited.signal = state.ended_by;
    waited.ended = waited.signal != 0;
    waited.resized = state.changed.exchange(0) != 0;
    if (waited.resized) {
        terminal_->enter();
        shown_ = {};
    }
    if (waited.ended || ready <= 0 || waits[0].revents == 0) return waited;
    std::array<char, 256> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got > 0) {
        waited.keys = keys_.feed({bytes.data(), static_cast<std::size_t>(got)});
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        waited.ended = true;
    }
    return waited;
}

}  // namespace tranter::cli
