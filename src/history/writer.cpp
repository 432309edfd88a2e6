#include "history/writer.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::history {
namespace {

constexpr std::size_t batch_entries = 500;
/// What waits already goes along: the indexes by queue, type and state are written in as many
/// places for 5,000 entries as for 500.
constexpr std::size_t transaction_entries = 5'000;
constexpr auto batch_wait = std::chrono::milliseconds(50);
/// The store is looked after this often at least, and whenever so much is not indexed: few and
/// large heaps cost less than many small ones.
constexpr auto look_around = std::chrono::milliseconds(500);
constexpr std::uint64_t unindexed_heap = 4'000;
/// With so many entries that are not indexed a search would read for too long, so indexing takes
/// its turn even while more entries wait.
constexpr std::uint64_t unindexed_max = 200'000;

std::size_t weight(const JobEntry& entry) {
    std::size_t bytes = sizeof(JobEntry) + entry.payload.size() + entry.result.size();
    for (const AttemptError& error : entry.errors)
        bytes += error.type.size() + error.text.size();
    for (const std::string& line : entry.log.lines())
        bytes += sizeof(std::string) + line.size();
    return bytes;
}

}  // namespace

class HistoryWriter::Impl {
  public:
    Impl(HistoryStore& store, const WriterOptions& options) : store_(store), options_(options) {
        thread_ = std::thread([this] { serve(); });
    }

    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    void add(JobEntry entry) {
        const std::size_t bytes = weight(entry);
        std::deque<Waiting> dropped;  // destroyed after the mutex is released
        bool wake = false;
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back({std::move(entry), bytes});
            queued_bytes_ += bytes;
            ++added_;
            while (queue_.size() > 1 && (queue_.size() > options_.queued_entries_max ||
                                         queued_bytes_ > options_.queued_bytes_max)) {
                queued_bytes_ -= queue_.front().bytes;
                dropped.push_back(std::move(queue_.front()));
                queue_.pop_front();
                ++figures_.dropped;
                ++settled_;
            }
            wake = queue_.size() == 1 || queue_.size() == batch_entries;
        }
        if (wake) wake_.notify_one();
    }

    void flush() {
        std::unique_lock lock(mutex_);
        const std::uint64_t goal = added_;
        flush_to_ = std::max(flush_to_, goal);
        wake_.notify_one();
        settled_changed_.wait(lock, [&] { return settled_ >= goal; });
    }

    WriterFigures figures() const {
        const std::lock_guard lock(mutex_);
        WriterFigures figures = figures_;
        figures.queued = queue_.size();
        return figures;
    }

  private:
    struct Waiting {
        JobEntry entry;
        std::size_t bytes = 0;
    };

    void serve() {
        while (true) {
            const std::vector<JobEntry> batch = take();
            if (!batch.empty()) {
                settle(batch);
            } else if (stopped()) {
                return;
            }
            const std::uint64_t unindexed = store_.figures().unindexed;
            const bool idle = batch.size() < batch_entries;
            const bool due =
                unindexed >= unindexed_heap || std::chrono::steady_clock::now() >= due_;
            if (unindexed > unindexed_max || (idle && due)) maintain();
        }
    }

    /// Waits for a batch. Nothing when it is time to look around, or to stop.
    std::vector<JobEntry> take() {
        std::unique_lock lock(mutex_);
        wake_.wait_until(lock, due_, [this] { return !queue_.empty() || stopping_; });
        if (!queue_.empty()) {
            wake_.wait_for(lock, batch_wait, [this] {
                return queue_.size() >= batch_entries || stopping_ || flush_to_ > settled_;
            });
        }
        std::vector<JobEntry> batch;
        batch.reserve(std::min(queue_.size(), transaction_entries));
        while (!queue_.empty() && batch.size() < transaction_entries) {
            queued_bytes_ -= queue_.front().bytes;
            batch.push_back(std::move(queue_.front().entry));
            queue_.pop_front();
        }
        return batch;
    }

    void settle(const std::vector<JobEntry>& batch) {
        const std::uint64_t refused = write(batch);
        {
            const std::lock_guard lock(mutex_);
            figures_.refused += refused;
            figures_.written += batch.size() - refused;
            settled_ += batch.size();
        }
        settled_changed_.notify_all();
    }

    /// How many the store refused.
    std::uint64_t write(const std::vector<JobEntry>& batch) {
        const auto done = store_.put(batch);
        if (done) return 0;
        std::uint64_t refused = batch.size();
        if (done.error().code() == Errc::invalid_argument) {
            // One of them is wrong, and the others shall not suffer for it.
            refused = 0;
            for (const JobEntry& entry : batch)
                refused += store_.put({&entry, 1}) ? 0U : 1U;
        }
        log_warn(
            "history",
            "finished jobs were not recorded",
            {{"entries", refused}, {"error", done.error().message()}}
        );
        return refused;
    }

    void maintain() {
        const auto more = store_.maintain();
        due_ = std::chrono::steady_clock::now();
        if (!more || !*more) due_ += look_around;
        if (!more) {
            log_warn("history", "cannot be looked after", {{"error", more.error().message()}});
        }
    }

    bool stopped() const {
        const std::lock_guard lock(mutex_);
        return stopping_ && queue_.empty();
    }

    HistoryStore& store_;
    const WriterOptions options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable settled_changed_;
    // guarded by mutex_
    std::deque<Waiting> queue_;
    std::size_t queued_bytes_ = 0;
    std::uint64_t added_ = 0;
    std::uint64_t settled_ = 0;  // written, refused or dropped
    std::uint64_t flush_to_ = 0;
    WriterFigures figures_;
    bool stopping_ = false;
    // only used by the thread
    std::chrono::steady_clock::time_point due_ = std::chrono::steady_clock::now() + look_around;
    std::thread thread_;
};

HistoryWriter::HistoryWriter(HistoryStore& store, WriterOptions options)
    : impl_(std::make_unique<Impl>(store, options)) {}

HistoryWriter::~HistoryWriter() = default;

void HistoryWriter::add(JobEntry entry) {
    impl_->add(std::move(entry));
}

void HistoryWriter::flush() {
    impl_->flush();
}

WriterFigures HistoryWriter::figures() const {
    return impl_->figures();
}

}  // namespace tranter::history
