#include "supervise/log_writer.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace tranter::supervise {

class LogWriter::Target {
  public:
    explicit Target(LogFile::Options options) : file(std::move(options)) {}

    LogFile file;  // of the thread
    bool is_in_trouble = false;
    // Guarded by the mutex of the writer:
    std::size_t waiting_bytes = 0;
    std::uint64_t dropped = 0;
    std::uint64_t dropped_unsaid = 0;
};

namespace {

std::uint64_t count_lines(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

std::string say_dropped(std::uint64_t lines) {
    return "[tranter] " + std::to_string(lines) + " lines were dropped, the disk was too slow\n";
}

}  // namespace

LogWriter::LogWriter(Options options)
    : options_(options), thread_([this](const std::stop_token& stop) { run(stop); }) {}

LogWriter::~LogWriter() {
    thread_.request_stop();
    thread_.join();
}

LogWriter::TargetPtr LogWriter::open(LogFile::Options file) {
    auto target = std::make_shared<Target>(std::move(file));
    const std::lock_guard lock(mutex_);
    std::erase_if(targets_, [](const auto& one) { return one.expired(); });
    targets_.push_back(target);
    return target;
}

void LogWriter::write(const TargetPtr& target, std::string lines) {
    const std::lock_guard lock(mutex_);
    if (target->waiting_bytes + lines.size() > options_.waiting_bytes_max) {
        const std::uint64_t count = count_lines(lines);
        target->dropped += count;
        target->dropped_unsaid += count;
        return;
    }
    if (target->dropped_unsaid > 0) {
        lines.insert(0, say_dropped(std::exchange(target->dropped_unsaid, 0)));
    }
    target->waiting_bytes += lines.size();
    waiting_.push_back({.target = target, .lines = std::move(lines)});
    changed_.notify_one();
}

void LogWriter::reopen() {
    const std::lock_guard lock(mutex_);
    must_reopen_ = true;
    changed_.notify_one();
}

void LogWriter::flush(const TargetPtr& target) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({.target = target, .empties = true});
    changed_.notify_one();
}

void LogWriter::wait_until_written() {
    std::unique_lock lock(mutex_);
    written_.wait(lock, [this] { return waiting_.empty() && !is_writing_ && !must_reopen_; });
}

std::uint64_t LogWriter::dropped(const TargetPtr& target) const {
    const std::lock_guard lock(mutex_);
    return target->dropped;
}

void LogWriter::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, stop, [this] { return !waiting_.empty() || must_reopen_; });
        if (waiting_.empty() && !must_reopen_) return;
        auto pieces = std::exchange(waiting_, {});
        std::vector<std::weak_ptr<Target>> reopened;
        if (std::exchange(must_reopen_, false)) reopened = targets_;
        is_writing_ = true;
        lock.unlock();
        for (const auto& one : reopened) {
            if (const auto target = one.lock()) target->file.reopen();
        }
        for (const Piece& piece : pieces)
            put(piece);
        lock.lock();
        for (const Piece& piece : pieces)
            piece.target->waiting_bytes -= piece.lines.size();
        is_writing_ = false;
        written_.notify_all();
    }
}

void LogWriter::put(const Piece& piece) {
    Target& target = *piece.target;
    const auto done =
        piece.empties ? target.file.flush() : target.file.append(piece.lines, options_.clock.now());
    if (done) {
        target.is_in_trouble = false;
        return;
    }
    const std::lock_guard lock(mutex_);
    target.dropped += count_lines(piece.lines);
    target.dropped_unsaid += count_lines(piece.lines);
    // Said once, or it would be said for each line of the app.
    if (std::exchange(target.is_in_trouble, true)) return;
    log_warn("supervise", "a log is not written", {{"reason", done.error().message()}});
}

}  // namespace tranter::supervise
