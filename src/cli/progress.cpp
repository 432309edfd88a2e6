#include "cli/progress.hpp"

#include "base/unicode.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace tranter::cli {

namespace {

constexpr std::chrono::milliseconds redraw_every(200);

// A terminal that does not take the line loses nothing but the line.
void put(int fd, std::string_view bytes) {
    [[maybe_unused]] const ssize_t ignored = ::write(fd, bytes.data(), bytes.size());
}

}  // namespace

Progress::Progress()
    : Progress(Options{.fd = STDERR_FILENO, .enabled = is_terminal(STDERR_FILENO)}) {}

Progress::Progress(Options options) : options_(options) {
    if (options_.enabled) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
}

Progress::~Progress() {
    stop();
}

void Progress::start(std::string_view what, std::optional<std::uint64_t> total) {
    const std::lock_guard lock(mutex_);
    erase();
    what_ = printable(what);
    total_ = total;
    done_ = 0;
    started_ = std::chrono::steady_clock::now();
    running_ = true;
    changed_.notify_all();
}

void Progress::update(std::uint64_t done) {
    const std::lock_guard lock(mutex_);
    done_ = done;
}

void Progress::set_total(std::uint64_t total) {
    const std::lock_guard lock(mutex_);
    total_ = total;
}

void Progress::stop() {
    const std::lock_guard lock(mutex_);
    running_ = false;
    erase();
}

void Progress::hide() {
    const std::lock_guard lock(mutex_);
    erase();
}

void Progress::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (!running_) {
            changed_.wait(lock, stop, [this] { return running_; });
            continue;
        }
        const SteadyTime due = started_ + options_.quiet;
        const SteadyTime now = std::chrono::steady_clock::now();
        if (now >= due) draw();
        // Not woken by changes: five lines a second are enough for anybody.
        changed_.wait_until(lock, stop, std::max(due, now + redraw_every), [] { return false; });
    }
}

void Progress::draw() {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started_;
    std::string line = fmt::format("\r{}", what_);
    if (total_) {
        line += fmt::format(": {} of {}", done_, *total_);
    } else if (done_ > 0) {
        line += fmt::format(": {}", done_);
    }
    if (done_ > 0)
        line += fmt::format(
            ", {:.0f}/s", static_cast<double>(done_) / std::max(elapsed.count(), 0.001)
        );
    line += fmt::format(", {:.0f} s\x1b[K", elapsed.count());
    put(options_.fd, line);
    drawn_ = true;
}

void Progress::erase() {
    if (drawn_) put(options_.fd, "\r\x1b[K");
    drawn_ = false;
}

}  // namespace tranter::cli
