#include "process/run.hpp"

#include "base/wake_event.hpp"
#include "process/line_splitter.hpp"
#include "process/no_sigpipe.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

namespace tranter::process {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A program while it runs, and what flows to it and from it.
class Run {
  public:
    Run(const RunOptions& options, WakeEvent stopped)
        : options_(options),
          input_(options.input),
          lines_(
              options.line_max,
              [this](std::string_view line, bool) {
                  if (options_.on_error_line) options_.on_error_line(line);
              }
          ),
          stopped_(std::move(stopped)),
          on_stop_(options.stop, [this] { stopped_.wake(); }) {}

    Result<RunReport> to_the_end() {
        if (auto started = start(); !started) return std::unexpected(started.error());
        while (!step()) {
        }
        return std::move(report_);
    }

  private:
    Result<> start() {
        auto pipes = Pipes::make();
        if (!pipes) return std::unexpected(std::move(pipes.error()));
        SpawnOptions program = options_.program;
        program.input = pipes->input.read.get();
        program.output = pipes->output.write.get();
        program.errors = pipes->errors.write.get();
        auto child = spawn(program);
        if (!child) return std::unexpected(std::move(child.error()));
        child_ = std::move(*child);
        to_input_ = std::move(pipes->input.write);
        from_output_ = std::move(pipes->output.read);
        from_errors_ = std::move(pipes->errors.read);
        for (const auto* fd : {&to_input_, &from_output_, &from_errors_})
            set_nonblocking(fd->get());
        if (options_.timeout.count() > 0) {
            deadline_ = std::chrono::steady_clock::now() + options_.timeout;
        }
        if (input_.empty()) to_input_.reset();
        return {};
    }

    /// Waits for what comes next and handles it. Whether that was the end.
    bool step() {
        std::array<pollfd, 5> waits{{
            {.fd = child_.pidfd(), .events = POLLIN, .revents = 0},
            {.fd = from_output_.get(), .events = POLLIN, .revents = 0},
            {.fd = from_errors_.get(), .events = POLLIN, .revents = 0},
            {.fd = to_input_.get(), .events = POLLOUT, .revents = 0},
            {.fd = ending_ ? -1 : stopped_.get(), .events = POLLIN, .revents = 0},
        }};
        if (::poll(waits.data(), waits.size(), wait_millis()) < 0 && errno != EINTR) return false;
        if (waits[3].revents != 0) feed();
        if (waits[1].revents != 0) read_output();
        if (waits[2].revents != 0) read_errors();
        if (waits[0].revents != 0) {
            finish();
            return true;
        }
        if (waits[4].revents != 0) end(RunReport::Ended::stopped);
        if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) pass_deadline();
        return false;
    }

    int wait_millis() const {
        if (!deadline_) return -1;
        const auto left = *deadline_ - std::chrono::steady_clock::now();
        const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        return static_cast<int>(std::clamp<std::int64_t>(millis, 0, 3'600'000));
    }

    /// First politely, then not.
    void end(RunReport::Ended why) {
        report_.ended = why;
        ending_ = true;
        child_.signal_group(SIGTERM);
        // A stopped program would not see it.
        child_.signal_group(SIGCONT);
        deadline_ = std::chrono::steady_clock::now() + options_.grace;
    }

    void pass_deadline() {
        if (!ending_) {
            end(RunReport::Ended::timed_out);
        } else {
            child_.signal_group(SIGKILL);
            deadline_.reset();
        }
    }

    void feed() {
        const auto put = ::write(to_input_.get(), input_.data(), input_.size());
        if (put > 0) input_.remove_prefix(static_cast<std::size_t>(put));
        if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
        report_.input_refused = put < 0;
        if (put < 0 || input_.empty()) to_input_.reset();
    }

    bool read_output() {
        return read_some(from_output_, [this](std::string_view bytes) {
            const std::size_t room = options_.output_max - report_.output.size();
            report_.output_truncated = report_.output_truncated || bytes.size() > room;
            report_.output += bytes.substr(0, room);
        });
    }

    bool read_errors() {
        return read_some(from_errors_, [this](std::string_view bytes) { lines_.add(bytes); });
    }

    /// One piece, so that a program that writes without an end does not keep us from the rest.
    template <class Take>
    bool read_some(Descriptor& from, Take take) {
        // Release builds would fill all of it with zeros, at each call.
        __attribute__((uninitialized)) std::array<char, 65536> bytes;
        const auto got = ::read(from.get(), bytes.data(), bytes.size());
        if (got > 0) take(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) from.reset();
        return got > 0;
    }

    /// The program has ended and is not waited for yet, so its group is still its own.
    void finish() {
        child_.signal_group(SIGKILL);
        report_.exit = child_.wait();
        // What it wrote is in the pipes. Whoever left its group may keep them open for ever.
        constexpr int pieces_max = 64;
        for (int i = 0; i < pieces_max && from_output_ && read_output(); ++i) {
        }
        for (int i = 0; i < pieces_max && from_errors_ && read_errors(); ++i) {
        }
        lines_.finish();
    }

    const RunOptions& options_;
    std::string_view input_;
    LineSplitter lines_;
    RunReport report_{};
    Child child_{};
    Descriptor to_input_{};
    Descriptor from_output_{};
    Descriptor from_errors_{};
    std::optional<SteadyTime> deadline_{};
    bool ending_ = false;
    WakeEvent stopped_;
    NoSigpipe no_sigpipe_{};
    std::stop_callback<std::function<void()>> on_stop_;  // last: it uses stopped_
};

}  // namespace

Result<RunReport> run(const RunOptions& options) {
    auto stopped = WakeEvent::make();
    if (!stopped) return std::unexpected(std::move(stopped.error()));
    return Run(options, std::move(*stopped)).to_the_end();
}

}  // namespace tranter::process
