#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "cli/screen_text.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// The whole terminal for a live view: alternate screen, keys without echo and at once. There is
/// one at a time in a process. The terminal is as it was when this is destroyed, and also when the
/// process ends by a signal or a crash before that (not by SIGKILL). The first SIGINT, SIGTERM,
/// SIGHUP or SIGQUIT is told by wait(), a second one ends the process at once. Not thread-safe.
class Screen {
  public:
    /// `invalid_argument` when stdin or stdout is no terminal, or one that cannot move its cursor.
    /// `name` and `instead` are for the error: "monit", "`tranter ps` prints once".
    [[nodiscard]] static Result<> check(std::string_view name, std::string_view instead);

    /// After check(). Throws SystemError when the terminal is gone meanwhile.
    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    ScreenSize size() const;
    void show(Frame frame);

    struct Waited {
        std::vector<Key> keys{};
        bool resized = false;  // or the process went on after it was stopped
        bool ended = false;    // the terminal is gone, or a signal came
        int signal = 0;        // that came; 0: none
    };
    /// Until something happens, at most for `limit`.
    Waited wait(Duration limit);

  private:
    class Terminal;

    std::unique_ptr<Terminal> terminal_;
    KeyReader keys_{};
    Frame shown_{};
};

}  // namespace tranter::cli
