#include "handlers/child_process.hpp"

#include "base/log.hpp"
#include "base/stop.hpp"
#include "base/uuid.hpp"
#include "base/wake_event.hpp"
#include "handlers/result_text.hpp"
#include "process/no_sigpipe.hpp"

#include <fmt/format.h>

#include <poll.h>

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

constexpr std::size_t printed_line_max = std::size_t{8} << 10;
/// Of answers that the process does not read.
constexpr std::size_t answers_unsent_max = std::size_t{64} << 10;
/// Processes that end at once are started again after a rest, which doubles up to this.
constexpr Duration start_rest_min = std::chrono::milliseconds(200);
constexpr Duration start_rest_max = std::chrono::seconds(5);
/// The kernel needs a moment to take a large one apart; one that waits for a disk may stay.
constexpr Duration killed_within = std::chrono::seconds(10);

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
    if (useless_ > 1 && !running()) {
        const auto doubled = start_rest_min * (1U << std::min(useless_ - 2, 8U));
        const Duration rest_time = std::min(doubled, start_rest_max);
        if (!rest(rest_time, context.stop_token())) return stopped_outcome(context);
    }
    const auto stopped = WakeEvent::make();
    const auto given = stopped ? give_job(context) : std::unexpected(stopped.error());
    if (!given) return Failed{.type = "start", .text = given.error().message()};
    AttemptOutcome outcome;
    try {
        const std::stop_callback on_stop(context.stop_token(), [&] { stopped->wake(); });
        outcome = converse(context, stopped->get());
    } catch (...) {
        // It still has the job, and must not get another.
        kill();
        context_ = nullptr;
        throw;
    }
    context_ = nullptr;
    // It has answered before it had read all of its job, and would take the next for the rest.
    if (sent_part_) kill();
    retire_when_due();
    return outcome;
}

/// Whether it has not ended. One that has is not waited for yet, so its group is still its own.
bool ChildProcess::running() const {
    return child_ && !ends_within({});
}

bool ChildProcess::ends_within(Duration time) const {
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    pollfd ended{.fd = child_->pidfd(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, static_cast<int>(std::clamp<std::int64_t>(millis, 0, 3'600'000))) > 0;
}

/// A process that ends closes its output a moment before.
bool ChildProcess::ends_soon() const {
    // One that was asked to stop has no more time for that.
    if (stopping_ && deadline_) {
        return ends_within(std::chrono::ceil<Duration>(*deadline_ - steady_now()));
    }
    return ends_within(pool_.options.grace);
}

/// To a process that runs. One that has ended since it was looked at has seen nothing of the job,
/// which is given to another then.
Result<> ChildProcess::give_job(Context& context) {
    const std::string line = job_line(context);
    for (;;) {
        if (auto started = ensure_started(context); !started) return started;
        context_ = &context;
        outcome_.reset();
        broken_.clear();
        last_error_line_.clear();
        stopping_ = false;
        unsent_ = line;
        unsent_max_ = line.size() + answers_unsent_max;
        heard_ = steady_now();
        deadline_.reset();
        ++jobs_;
        if (send_some() || jobs_ == 1) return {};
        context_ = nullptr;
        kill();
    }
}

AttemptOutcome ChildProcess::converse(Context& context, int stop_fd) {
    for (;;) {
        const Wait wait = wait_for_more(stopping_ ? -1 : stop_fd);
        if (outcome_) {
            was_useful_ = true;
            useless_ = 0;
            return std::move(*outcome_);
        }
        if (!broken_.empty()) {
            kill();
            return Failed{.type = "protocol", .text = broken_};
        }
        switch (wait) {
            case Wait::more:
                if (from_child_ || ends_soon()) break;
                kill();
                if (stopping_) return stopped_outcome(context);
                return Failed{
                    .type = "protocol",
                    .text = "the handler process closed its output without a result"};
            case Wait::ended:
                return died(context);
            case Wait::stopped:
                stopping_ = true;
                deadline_ = steady_now() + pool_.options.grace;
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
    const Duration heartbeat = pool_.options.heartbeat_timeout;
    if (heartbeat.count() > 0 && !stopping_) deadline_ = heard_ + heartbeat;
    int millis = -1;
    if (deadline_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_now());
        millis = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    const bool may_read = unsent_.size() <= unsent_max_;
    std::array<pollfd, 5> waits{{
        {.fd = may_read ? from_child_.get() : -1, .events = POLLIN, .revents = 0},
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
        error_lines_->finish();
        lines_->finish();
        return Wait::ended;
    }
    if (waits[4].revents != 0) return Wait::stopped;
    if (deadline_ && steady_now() >= *deadline_) return Wait::deadline;
    return Wait::more;
}

/// False when it reads no more: what it still says counts, and so does its end.
bool ChildProcess::send_some() {
    const auto put = ::write(to_child_.get(), unsent_.data(), unsent_.size());
    if (put > 0) {
        const auto count = static_cast<std::size_t>(put);
        sent_part_ = unsent_[count - 1] != '\n';
        unsent_.erase(0, count);
    }
    const bool closed = put < 0 && errno != EAGAIN && errno != EINTR;
    if (closed) unsent_.clear();
    return !closed;
}

bool ChildProcess::read_from(Descriptor& from, process::LineSplitter& lines) {
    // Release builds would fill all of it with zeros, at each call.
    __attribute__((uninitialized)) std::array<char, 65536> bytes;
    const auto got = ::read(from.get(), bytes.data(), bytes.size());
    if (got > 0) lines.add(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) from.reset();
    return got > 0;
}

/// What was written and not read yet. Somebody may go on writing for ever.
void ChildProcess::take_rest() {
    constexpr int pieces_max = 64;
    for (int i = 0; i < pieces_max && errors_ && read_from(errors_, *error_lines_); ++i) {
    }
    for (int i = 0; i < pieces_max && from_child_ && read_from(from_child_, *lines_); ++i) {
    }
}

/// Of the output. Lines that are too long are no protocol; what is printed may be so long.
void ChildProcess::take_piece(std::string_view piece, bool ends) {
    const bool goes_on = std::exchange(in_long_line_, !ends);
    if (goes_on) return;
    if (ends) return take_line(piece);
    if (begins_like_message(piece) && context_ != nullptr) {
        broken_ = fmt::format(
            "the handler sent a message of more than {} bytes, results may have {} and steps {}",
            child_line_max,
            result_bytes_max,
            step_bytes_max
        );
        return;
    }
    say_line(piece);
}

void ChildProcess::take_line(std::string_view line) {
    // What comes after the result belongs to no job.
    if (context_ == nullptr || outcome_ || !broken_.empty()) return say_line(line);
    auto message = parse_child_message(line);
    if (message) return take_message(std::move(*message), *context_);
    broken_ = "the handler sent a message that cannot be read: " + message.error().message();
}

void ChildProcess::take_message(ChildMessage message, Context& context) {
    // Of a job that it was given before, and that is settled.
    const bool is_late = !message.id.empty() && message.id != context.id();
    if (is_late && message.kind != ChildMessage::Kind::step) return;
    switch (message.kind) {
        case ChildMessage::Kind::ready:
        case ChildMessage::Kind::heartbeat:
            break;
        case ChildMessage::Kind::text:
            say_line(message.text);
            break;
        case ChildMessage::Kind::log:
            context.log(std::move(message.text));
            break;
        case ChildMessage::Kind::progress:
            try {
                context.set_progress(message.value);
            } catch (const Exception& refused) {
                context.log(std::string("progress was not kept: ") + refused.what());
            }
            break;
        case ChildMessage::Kind::step:
            if (is_late) {
                const Error error(Errc::conflict, "the handler does not have this job any more");
                unsent_ += step_line(message.id, message.name, &error);
            } else {
                keep_step(message, context);
            }
            break;
        case ChildMessage::Kind::result:
            outcome_ = std::move(message.outcome);
            break;
    }
}

void ChildProcess::keep_step(const ChildMessage& message, Context& context) {
    try {
        context.step(message.name, [&] { return message.value; });
        unsent_ += step_line(context.id(), message.name, nullptr);
    } catch (const Exception& refused) {
        const Error error(refused.code(), refused.what());
        unsent_ += step_line(context.id(), message.name, &error);
    }
    // It had to wait for us.
    heard_ = steady_now();
}

/// Something printed.
void ChildProcess::say_line(std::string_view line) {
    std::string text(line.substr(0, printed_line_max));
    if (text.size() < line.size()) text += " [cut off]";
    if (context_ != nullptr && !outcome_) {
        context_->log(std::move(text));
    } else {
        log_debug("worker", "a handler process without a job says", {{"line", text}});
    }
}

Result<> ChildProcess::ensure_started(const Context& context) {
    if (!running()) {
        retire();
        return start(context);
    }
    // What it has said since its last job is nobody's.
    take_rest();
    return {};
}

Result<> ChildProcess::start(const Context& context) {
    auto pipes = process::Pipes::make();
    if (!pipes) return std::unexpected(std::move(pipes.error()));
    const std::string id = format_uuid(make_uuid());
    std::vector<std::string> environment = pool_.environment;
    append_child_environment(environment, id, pool_.options.heartbeat_timeout);
    auto watched = std::make_unique<OrphanWatch::Watched>(pool_.orphans, id);
    auto child = pool_.starter.spawn({
        .command = pool_.options.command,
        .environment = std::move(environment),
        .directory = pool_.options.directory,
        .limits = pool_.options.limits,
        .input = pipes->input.read.get(),
        .output = pipes->output.write.get(),
        .errors = pipes->errors.write.get(),
    });
    if (!child) return std::unexpected(std::move(child.error()));
    child_ = std::move(*child);
    watched_ = std::move(watched);
    watched_->started_as(child_->pid());
    to_child_ = std::move(pipes->input.write);
    from_child_ = std::move(pipes->output.read);
    errors_ = std::move(pipes->errors.read);
    for (const auto* fd : {&to_child_, &from_child_, &errors_})
        process::set_nonblocking(fd->get());
    lines_.emplace(child_line_max, [this](std::string_view piece, bool ends) {
        take_piece(piece, ends);
    });
    error_lines_.emplace(printed_line_max, [this](std::string_view line, bool) {
        last_error_line_ = line;
        say_line(line);
    });
    in_long_line_ = false;
    sent_part_ = false;
    jobs_ = 0;
    was_useful_ = false;
    log_debug(
        "worker", "handler process started", {{"pid", child_->pid()}, {"job_type", context.type()}}
    );
    return {};
}

AttemptOutcome ChildProcess::died(Context& context) {
    child_->signal_group(SIGKILL);
    const process::Child::Exit exit = child_->wait();
    child_.reset();
    retire();
    if (stopping_) return stopped_outcome(context);
    if (!was_useful_) ++useless_;
    std::string text = "the handler process " + describe_exit(exit);
    if (!last_error_line_.empty()) text += ": " + last_error_line_;
    return Failed{.type = "handler_died", .text = std::move(text)};
}

AttemptOutcome ChildProcess::stuck() {
    kill();
    const auto said = std::chrono::duration<double>(pool_.options.heartbeat_timeout).count();
    return Failed{
        .type = "stuck", .text = fmt::format("the handler process said nothing for {} s", said)};
}

/// Whoever is told how the job ended may begin it again at once, and not beside this process.
void ChildProcess::kill() {
    if (child_) {
        child_->signal_group(SIGKILL);
        ends_within(killed_within);
    }
    retire();
}

void ChildProcess::retire_when_due() {
    // What it has left in its group is not to wait for the next job to be ended.
    if (!running()) return retire();
    const std::uint64_t jobs_max = pool_.options.jobs_max;
    const std::uint64_t memory_max = pool_.options.memory_max;
    const bool is_old = jobs_max > 0 && jobs_ >= jobs_max;
    if (is_old || (memory_max > 0 && resident_bytes(child_->pid()) > memory_max)) {
        log_debug("worker", "handler process replaced", {{"pid", child_->pid()}, {"jobs", jobs_}});
        retire();
    }
}

/// The end of its input tells it to end, and without its outputs it does not wait for room in them.
void ChildProcess::retire() {
    to_child_.reset();
    from_child_.reset();
    errors_.reset();
    if (child_) pool_.retirement.add(std::move(*child_), std::move(watched_));
    child_.reset();
    watched_.reset();
}

}  // namespace tranter::handlers
