#include "supervise/log_writer.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tranter::supervise {

struct LogWriter::Piece {
    enum class Kind : std::uint8_t { lines, reopens, empties, changes };
    Kind kind = Kind::lines;
    std::string lines{};
    Instant at{};
    std::unique_ptr<LogFile::Options> file{};  // of `changes`; there may be very many pieces
};

namespace {

std::uint64_t count_lines(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

std::string say_dropped(std::uint64_t lines) {
    return "[tranter] " + std::to_string(lines) + " lines were dropped, the disk was too slow\n";
}

}  // namespace

class LogWriter::Target {
  public:
    Target(LogFile::Options options, FileWork::LanePtr lane)
        : lane_(std::move(lane)), file_(std::in_place, std::move(options)) {}

    const FileWork::LanePtr& lane() const { return lane_; }

    /// Whether somebody has to be told that there is something to write: not when that is known.
    bool add(Piece piece, std::size_t waiting_bytes_max) {
        const std::lock_guard lock(mutex_);
        const bool is_lines = piece.kind == Piece::Kind::lines;
        // What is said of dropped lines may make it more, and orders are no text.
        if (is_lines && waiting_bytes_ + piece.lines.size() > waiting_bytes_max) {
            drop(piece.lines);
            return false;
        }
        if (is_lines && dropped_unsaid_ > 0)
            piece.lines.insert(0, say_dropped(std::exchange(dropped_unsaid_, 0)));
        waiting_bytes_ += piece.lines.size();
        waiting_.push_back(std::move(piece));
        return !std::exchange(is_told_, true);
    }

    /// Writes what waits, on one thread at a time.
    void write(const std::stop_token& stop) {
        std::vector<Piece> pieces;
        {
            const std::lock_guard lock(mutex_);
            pieces.swap(waiting_);
            is_told_ = false;
        }
        for (Piece& piece : pieces) {
            const auto done = put(piece, stop);
            const std::lock_guard lock(mutex_);
            waiting_bytes_ -= piece.lines.size();
            if (done) {
                is_in_trouble_ = false;
                continue;
            }
            drop(piece.lines);
            // Said once, or it would be said for each line of the app.
            if (std::exchange(is_in_trouble_, true)) continue;
            log_warn("supervise", "a log is not written", {{"reason", done.error().message()}});
        }
    }

    std::uint64_t dropped() const {
        const std::lock_guard lock(mutex_);
        return dropped_;
    }

  private:
    Result<> put(Piece& piece, const std::stop_token& stop) {
        switch (piece.kind) {
            case Piece::Kind::lines:
                return file_->append(piece.lines, piece.at, stop);
            case Piece::Kind::empties:
                return file_->flush();
            case Piece::Kind::reopens:
                file_->reopen();
                break;
            case Piece::Kind::changes:
                file_.emplace(std::move(*piece.file));
        }
        return {};
    }

    void drop(std::string_view lines) {
        const std::uint64_t count = count_lines(lines);
        dropped_ += count;
        dropped_unsaid_ += count;
    }

    const FileWork::LanePtr lane_;
    std::optional<LogFile> file_;  // of whoever writes, and never empty
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::vector<Piece> waiting_;
    std::size_t waiting_bytes_ = 0;  // with those that are being written
    bool is_told_ = false;
    bool is_in_trouble_ = false;
    std::uint64_t dropped_ = 0;
    std::uint64_t dropped_unsaid_ = 0;
};

LogWriter::LogWriter(Options options) : options_(options), work_(options.work) {}

LogWriter::TargetPtr LogWriter::open(LogFile::Options file) {
    auto lane = work_.make_lane(file.path);
    // A file may take any time to be closed too.
    const auto close = [post = work_.poster()](Target* one) {
        const std::shared_ptr<Target> last(one);
        post(last->lane(), [last](const std::stop_token&) {});
    };
    TargetPtr target(new Target(std::move(file), std::move(lane)), close);
    const std::lock_guard lock(mutex_);
    std::erase_if(targets_, [](const auto& one) { return one.expired(); });
    targets_.push_back(target);
    return target;
}

void LogWriter::put(const TargetPtr& target, Piece piece) {
    if (!target->add(std::move(piece), options_.waiting_bytes_max)) return;
    work_.post(target->lane(), [target](const std::stop_token& stop) { target->write(stop); });
}

void LogWriter::write(const TargetPtr& target, std::string lines) {
    put(target, {.lines = std::move(lines), .at = options_.clock.now()});
}

void LogWriter::reopen() {
    std::vector<std::weak_ptr<Target>> all;
    {
        const std::lock_guard lock(mutex_);
        all = targets_;
    }
    for (const auto& one : all)
        if (const auto target = one.lock()) put(target, {.kind = Piece::Kind::reopens});
}

void LogWriter::change(const TargetPtr& target, LogFile::Options file) {
    put(target,
        {.kind = Piece::Kind::changes, .file = std::make_unique<LogFile::Options>(std::move(file))}
    );
}

void LogWriter::flush(const TargetPtr& target) {
    put(target, {.kind = Piece::Kind::empties});
}

std::uint64_t LogWriter::dropped(const TargetPtr& target) const {
    return target->dropped();
}

}  // namespace tranter::supervise
