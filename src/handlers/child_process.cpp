#include "handlers/child_process.hpp"

#include "base/log.hpp"
#include "handlers/child_message.hpp"
#include "handlers/result_text.hpp"
#include "process/no_sigpipe.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <functional>
#include <stop_token>
#include <utility>

namespace tranter::handlers {
namespace {

using SteadyClockTime = std::chrono::steady_clock::time_point;

/// A result, with room for the message around it; longer lines are no protocol.
constexpr std::size_t protocol_line_max = result_bytes_max + (std::size_t{64} << 10);
constexpr std::size_t error_line_max = std::size_t{8} << 10;

SteadyClockTime steady_now() {
    return std::chrono::steady_clock::now();
}

std::uint64_t resident_bytes(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string describe_exit(const process::Child::Exit& exit) {
    if (exit.signal == 0) return fmt::format("ended with code {}", exit.code);
    return "was killed by " + process::signal_name(exit.signal);
}

}  // namespace

AttemptOutcome ChildProcess::do_job(Context& context) {
    const process::NoSigpipe no_sigpipe;
    if (auto started = ensure_started(context); !started) {
        return Failed{.type = "start", .text = started.error().message()};
    }
    context_ = &context;
    outcome_.reset();
    broken_.clear();
    last_error_line_.clear();
    stopping_ = false;
    unsent_ = job_line(context);
    heard_ = steady_now();
    deadline_.reset();

    const process::Descriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    AttemptOutcome outcome;
    {
        const std::stop_callback on_stop(context.stop_token(), [&] {
            ::eventfd_write(stopped.get(), 1);
        });
        outcome = converse(context, stopped.get());
    }
    context_ = nullptr;
    ++jobs_;
    replace_when_due();
    return outcome;
}

AttemptOutcome ChildProcess::converse(Context& context, int stop_fd) {
    for (;;) {
        const Wait wait = wait_for_more(stopping_ ? -1 : stop_fd);
        if (outcome_) return std::move(*outcome_);
        if (!broken_.empty()) {
            kill();
            return Failed{.type = "protocol", .text = broken_};
        }
        switch (wait) {
            case Wait::more:
                break;
            case Wait::ended:
                return died(context);
            case Wait::stopped:
                stopping_ = true;
                deadline_ = steady_now() + options_.grace;
                unsent_ += stop_line(context);
                break;
            case Wait::deadline:
                if (!stopping_) return stuck();
                kill();
                return stopped_outcome(context);
        }
    }
}

/// Moves what can be moved in both directions, after waiting for something to happen.
ChildProcess::Wait ChildProcess::wait_for_more(int stop_fd) {
    if (options_.heartbeat_timeout.count() > 0 && !stopping_) {
        deadline_ = heard_ + options_.heartbeat_timeout;
    }
    int millis = -1;
    if (deadline_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_now());
        millis = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    std::array<pollfd, 5> waits{{
        {.fd = from_child_.get(), .events = POLLIN, .revents = 0},
        {.fd = errors_.get(), .events = POLLIN, .revents = 0},
        {.fd = unsent_.empty() ? -1 : to_child_.get(), .events = POLLOUT, .revents = 0},
        {.fd = child_->pidfd(), .events = POLLIN, .revents = 0},
        {.fd = stop_fd, .events = POLLIN, .revents = 0},
    }};
    if (::poll(waits.data(), waits.size(), millis) < 0 && errno != EINTR) return Wait::ended;
    if (waits[1].revents != 0) read_from(errors_, *error_lines_);
    if (waits[0].revents != 0 && read_from(from_child_, *lines_)) heard_ = steady_now();
    if (waits[2].revents != 0) send_some();
    if (waits[3].revents != 0) {
        take_rest();
        return Wait::ended;
    }
    if (waits[4].revents != 0) return Wait::stopped;
    if (deadline_ && steady_now() >= *deadline_) return Wait::deadline;
    return Wait::more;
}

bool ChildProcess::send_some() {
    const auto put = ::write(to_child_.get(), unsent_.data(), unsent_.size());
    if (put > 0) unsent_.erase(0, static_cast<std::size_t>(put));
    const bool closed = put < 0 && errno != EAGAIN && errno != EINTR;
    // It reads no more: what it still says counts, and so does its end.
    if (closed) unsent_.clear();
    return !closed;
}

bool ChildProcess::read_from(process::Descriptor& from, process::LineSplitter& lines) {
    std::array<char, 65536> bytes;  // NOLINT(*-member-init): filled by read
    const auto got = ::read(from.get(), bytes.data(), bytes.size());
    if (got > 0) lines.add(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) from.reset();
    return got > 0;
}

/// What a process that has ended had still written.
void ChildProcess::take_rest() {
    constexpr int pieces_max = 64;
    for (int i = 0; i < pieces_max && errors_ && read_from(errors_, *error_lines_); ++i) {
    }
    for (int i = 0; i < pieces_max && from_child_ && read_from(from_child_, *lines_); ++i) {
    }
    error_lines_->finish();
    lines_->finish();
}

void ChildProcess::take_line(std::string_view line, Context& context) {
    auto message = parse_child_message(line);
    if (!message) {
        broken_ = "the handler sent a message that cannot be read: " + message.error().message();
        return;
    }
    // Of a job that it was given before, and that is settled.
    if (!message->id.empty() && message->id != context.id()) return;
    switch (message->kind) {
        case ChildMessage::Kind::ready:
        case ChildMessage::Kind::heartbeat:
            break;
        case ChildMessage::Kind::text:
        case ChildMessage::Kind::log:
            context.log(std::move(message->text));
            break;
        case ChildMessage::Kind::progress:
            try {
                context.set_progress(message->progress);
            } catch (const Exception& refused) {
                context.log(std::string("progress was not kept: ") + refused.what());
            }
            break;
        case ChildMessage::Kind::result:
            if (!outcome_) outcome_ = std::move(message->outcome);
            break;
    }
}

Result<> ChildProcess::ensure_started(Context& context) {
    if (child_ && !child_->poll()) return {};
    end();
    process::Pipe in = process::Pipe::make();
    process::Pipe out = process::Pipe::make();
    process::Pipe errors = process::Pipe::make();
    auto child = starter_.spawn({
        .command = options_.command,
        .environment = environment_,
        .directory = options_.directory,
        .limits = options_.limits,
        .input = in.read.get(),
        .output = out.write.get(),
        .errors = errors.write.get(),
    });
    if (!child) return std::unexpected(std::move(child.error()));
    child_ = std::move(*child);
    to_child_ = std::move(in.write);
    from_child_ = std::move(out.read);
    errors_ = std::move(errors.read);
    for (const auto* fd : {&to_child_, &from_child_, &errors_})
        process::set_nonblocking(fd->get());
    lines_.emplace(protocol_line_max, [this](std::string_view line) {
        if (context_ != nullptr) take_line(line, *context_);
    });
    error_lines_.emplace(error_line_max, [this](std::string_view line) {
        last_error_line_ = line;
        if (context_ != nullptr) context_->log(std::string(line));
    });
    jobs_ = 0;
    log_debug(
        "worker", "handler process started", {{"pid", child_->pid()}, {"type", context.type()}}
    );
    return {};
}

AttemptOutcome ChildProcess::died(Context& context) {
    child_->signal_group(SIGKILL);
    const process::Child::Exit exit = child_->wait();
    end();
    if (stopping_) return stopped_outcome(context);
    std::string text = "the handler process " + describe_exit(exit);
    if (!last_error_line_.empty()) text += ": " + last_error_line_;
    return Failed{.type = "handler_died", .text = std::move(text)};
}

AttemptOutcome ChildProcess::stuck() {
    kill();
    return Failed{
        .type = "stuck",
        .text = "the handler process said nothing for " +
                std::to_string(options_.heartbeat_timeout.count() / 1'000'000) + " s"};
}

void ChildProcess::kill() {
    if (child_) child_->signal_group(SIGKILL);
    end();
}

void ChildProcess::replace_when_due() {
    if (!running()) return;
    const bool old = options_.jobs_max > 0 && jobs_ >= options_.jobs_max;
    if (old || (options_.memory_max > 0 && resident_bytes(child_->pid()) > options_.memory_max)) {
        log_debug("worker", "handler process replaced", {{"pid", child_->pid()}, {"jobs", jobs_}});
        end();
    }
}

bool ChildProcess::ends_within(Duration time) const {
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    pollfd ended{.fd = child_->pidfd(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, static_cast<int>(std::clamp<std::int64_t>(millis, 0, 60'000))) > 0;
}

void ChildProcess::end() {
    to_child_.reset();
    if (child_ && !child_->poll()) {
        // A program that waits for room in its output would not see that it is to end.
        from_child_.reset();
        errors_.reset();
        if (!ends_within(options_.grace / 2)) child_->signal_group(SIGTERM);
        if (!ends_within(options_.grace / 2)) {
            log_warn("worker", "handler process killed, it did not end", {{"pid", child_->pid()}});
        }
        child_->signal_group(SIGKILL);
        child_->wait();
    }
    child_.reset();
    from_child_.reset();
    errors_.reset();
}

}  // namespace tranter::handlers
