#include "history/writer.hpp"

#include "base/log.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <ranges>
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
/// Moved under one lock. The thread may lose its processor at any moment and come back late, as it
/// has the lowest priority; who wants to add something waits for the lock then.
constexpr std::size_t moved_at_once = 64;
/// The store is looked after this often at least, and whenever so much is not indexed: few and
/// large heaps cost less than many small ones.
constexpr auto look_around = std::chrono::milliseconds(500);
constexpr std::uint64_t unindexed_heap = 4'000;
/// With so many entries that are not indexed a search would read for too long, so indexing takes
/// its turn even while more entries wait.
constexpr std::uint64_t unindexed_max = 200'000;
constexpr int lowest_priority = 19;

std::size_t weight(const JobEntry& entry) {
    std::size_t bytes = sizeof(JobEntry) + entry.payload.size() + entry.result.size();
    for (const AttemptError& error : entry.errors)
        bytes += error.type.size() + error.text.size();
    for (const std::string& line : entry.log.lines())
        bytes += sizeof(std::string) + line.size();
    return bytes;
}

class SingleEntry final : public EntrySource {
  public:
    explicit SingleEntry(JobEntry entry) : entry_(std::move(entry)), bytes_(weight(entry_)) {}

    std::size_t entries() const override { return 1; }
    std::size_t bytes() const override { return bytes_; }
    void append_to(std::vector<JobEntry>& out) const override { out.push_back(entry_); }
    std::optional<JobEntry> find(std::string_view id) const override {
        if (entry_.id != id) return std::nullopt;
        return entry_;
    }

  private:
    const JobEntry entry_;
    const std::size_t bytes_;
};

using SourcePtr = std::shared_ptr<const EntrySource>;  // the writer's and, for a moment, a finder's

}  // namespace

class HistoryWriter::Impl {
  public:
    Impl(HistoryStore& store, const WriterOptions& options) : store_(store), options_(options) {
        thread_ = std::thread([this] {
            // A thread of its own has a priority of its own on Linux. Not important enough to fail.
            std::ignore =
                ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest_priority);
            serve();
        });
    }

    ~Impl() {
        std::deque<SourcePtr> dropped;
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            if (!options_.finish) dropped.swap(queue_);
        }
        wake_.notify_one();
        thread_.join();
    }

    void add(SourcePtr source) {
        const std::size_t entries = source->entries();
        const std::size_t bytes = source->bytes();
        std::vector<SourcePtr> dropped;  // destroyed after the mutex is released
        bool wake = false;
        {
            const std::lock_guard lock(mutex_);
            wake = queue_.empty() ||
                   (queued_entries_ < batch_entries && queued_entries_ + entries >= batch_entries);
            queue_.push_back(std::move(source));
            queued_entries_ += entries;
            queued_bytes_ += bytes;
            added_ += entries;
            while (queue_.size() > 1 && (queued_entries_ > options_.queued_entries_max ||
                                         queued_bytes_ > options_.queued_bytes_max)) {
                dropped.push_back(pop_front());
                figures_.dropped += dropped.back()->entries();
                settled_ += dropped.back()->entries();
            }
        }
        if (wake) wake_.notify_one();
    }

    std::optional<JobEntry> find(std::string_view id) const {
        std::optional<JobEntry> found;
        std::uint64_t before = UINT64_MAX;
        while (true) {
            const std::vector<SourcePtr> newer = sources_before(before);
            if (newer.empty()) break;
            for (const SourcePtr& source : newer)
                found = later_end(std::move(found), source->find(id));
        }
        std::vector<SourcePtr> written;
        {
            const std::lock_guard lock(mutex_);
            written = writing_;
        }
        for (const SourcePtr& source : written | std::views::reverse)
            found = later_end(std::move(found), source->find(id));
        return found;
    }

    bool flush(std::optional<std::chrono::milliseconds> wait_max) {
        std::unique_lock lock(mutex_);
        const std::uint64_t goal = added_;
        if (settled_ >= goal) return true;
        flush_to_ = std::max(flush_to_, goal);
        wake_.notify_one();
        const auto done = [&] {
            return settled_ >= goal;
        };
        if (wait_max) return settled_changed_.wait_for(lock, *wait_max, done);
        settled_changed_.wait(lock, done);
        return true;
    }

    WriterFigures figures() const {
        const std::lock_guard lock(mutex_);
        WriterFigures figures = figures_;
        figures.queued = queued_entries_;
        return figures;
    }

  private:
    /// With the mutex held.
    SourcePtr pop_front() {
        SourcePtr source = std::move(queue_.front());
        queue_.pop_front();
        ++first_;
        queued_entries_ -= source->entries();
        queued_bytes_ -= source->bytes();
        return source;
    }

    /// A few of those that wait, newest first, from below the number `before`, which then is the
    /// lowest of them. Numbers count all that ever waited.
    std::vector<SourcePtr> sources_before(std::uint64_t& before) const {
        std::vector<SourcePtr> sources;
        const std::lock_guard lock(mutex_);
        before = std::min(before, first_ + queue_.size());
        while (before > first_ && sources.size() < moved_at_once)
            sources.push_back(queue_[--before - first_]);
        return sources;
    }

    void serve() {
        while (true) {
            const std::size_t settled = settle(take());
            if (settled == 0 && stopped()) return;
            const std::uint64_t unindexed = store_.figures().unindexed;
            const bool idle = settled < batch_entries;
            const bool due =
                unindexed >= unindexed_heap || std::chrono::steady_clock::now() >= due_;
            if (unindexed > unindexed_max || (idle && due)) maintain();
        }
    }

    /// Waits for a batch. Nothing when it is time to look around, or to stop.
    std::vector<SourcePtr> take() {
        std::unique_lock lock(mutex_);
        wake_.wait_until(lock, due_, [this] { return !queue_.empty() || stopping_; });
        if (!queue_.empty()) {
            wake_.wait_for(lock, batch_wait, [this] {
                return queued_entries_ >= batch_entries || stopping_ || flush_to_ > settled_;
            });
        }
        std::size_t entries = 0;
        while (!queue_.empty() && entries < transaction_entries) {
            entries += queue_.front()->entries();
            writing_.push_back(pop_front());
            if (writing_.size() % moved_at_once == 0) {
                lock.unlock();
                lock.lock();
            }
        }
        return writing_;
    }

    /// How many entries there were.
    std::size_t settle(const std::vector<SourcePtr>& sources) {
        std::vector<JobEntry> batch;
        for (const SourcePtr& source : sources)
            source->append_to(batch);
        if (batch.empty()) return 0;
        const std::uint64_t refused = write(batch);
        std::vector<SourcePtr> written;  // destroyed after the mutex is released
        {
            const std::lock_guard lock(mutex_);
            figures_.refused += refused;
            figures_.written += batch.size() - refused;
            settled_ += batch.size();
            written.swap(writing_);
        }
        settled_changed_.notify_all();
        return batch.size();
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
    std::deque<SourcePtr> queue_;
    std::uint64_t first_ = 0;  // number of the front of the queue
    std::size_t queued_entries_ = 0;
    std::size_t queued_bytes_ = 0;
    std::vector<SourcePtr> writing_;  // taken from the queue, not settled
    std::uint64_t added_ = 0;         // entries
    std::uint64_t settled_ = 0;       // written, refused or dropped
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
    impl_->add(std::make_shared<const SingleEntry>(std::move(entry)));
}

void HistoryWriter::add(std::shared_ptr<const EntrySource> source) {
    impl_->add(std::move(source));
}

std::optional<JobEntry> HistoryWriter::find(std::string_view id) const {
    return impl_->find(id);
}

void HistoryWriter::flush() {
    impl_->flush(std::nullopt);
}

bool HistoryWriter::flush_for(std::chrono::milliseconds wait_max) {
    return impl_->flush(wait_max);
}

WriterFigures HistoryWriter::figures() const {
    return impl_->figures();
}

}  // namespace tranter::history
