#include "history/writer.hpp"

#include "base/log.hpp"
#include "history/waiting_entries.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <ranges>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::history {
namespace {

constexpr std::size_t transaction_entries = 5'000;
/// While others want the processors the thread rests for so many times as long as it has worked,
/// and does little at a time, unless so much waits that some of it would soon be dropped.
constexpr int rest_per_work = 16;
constexpr std::size_t small_transaction_entries = 1'000;
/// Who adds nothing for so long is not at work any more.
constexpr auto quiet = std::chrono::milliseconds(20);
/// The store is looked after while no more than this comes at a time.
constexpr std::size_t idle_entries = 500;
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

std::chrono::nanoseconds processor_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// What a thread of the lowest priority does, and whether it had a processor to itself.
class Effort {
  public:
    std::chrono::nanoseconds work() const { return processor_time() - processor_began_; }
    bool disturbed() const {
        const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - began_;
        return time > work() + work() / 4;
    }

  private:
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const std::chrono::nanoseconds processor_began_ = processor_time();
};

class SingleEntry final : public EntrySource {
  public:
    explicit SingleEntry(JobEntry entry) : entry_(std::move(entry)), bytes_(weight(entry_)) {}

    std::string_view queue() const override { return entry_.queue; }
    std::size_t entries() const override { return 1; }
    std::size_t ends() const override { return entry_.state == State::failed ? 0 : 1; }
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

}  // namespace

class HistoryWriter::Impl {
  public:
    Impl(HistoryStore& store, const WriterOptions& options)
        : store_(store), options_(options), waiting_(options.kept_per_queue) {
        thread_ = std::thread([this] {
            // A thread of its own has a priority of its own on Linux. Not important enough to fail.
            std::ignore =
                ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest_priority);
            serve();
        });
    }

    ~Impl() {
        std::vector<SourcePtr> dropped;  // destroyed after the mutex is released
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            while (!options_.finish && waiting_.entries() > 0)
                dropped.push_back(waiting_.pop());
        }
        wake_.notify_one();
        thread_.join();
    }

    void add(SourcePtr source) {
        const std::size_t entries = source->entries();
        std::vector<SourcePtr> dropped;  // destroyed after the mutex is released
        bool wake = false;
        {
            const std::lock_guard lock(mutex_);
            const std::size_t before = waiting_.entries();
            wake = before == 0 ||
                   (before < options_.batch_entries && before + entries >= options_.batch_entries);
            waiting_.push(std::move(source), dropped);
            count(dropped, figures_.outnumbered);
            const std::size_t outnumbered = dropped.size();
            while (waiting_.sources() > 1 && (waiting_.entries() > options_.queued_entries_max ||
                                              waiting_.bytes() > options_.queued_bytes_max)) {
                dropped.push_back(waiting_.pop());
            }
            count(std::span(dropped).subspan(outnumbered), figures_.dropped);
        }
        if (wake) wake_.notify_one();
    }

    std::optional<JobEntry> find(std::string_view id) const {
        std::optional<JobEntry> found;
        std::uint64_t before = UINT64_MAX;
        while (true) {
            std::vector<SourcePtr> newer;
            {
                const std::lock_guard lock(mutex_);
                newer = waiting_.before(before, moved_at_once);
            }
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

    bool flush(std::chrono::steady_clock::time_point end) {
        std::unique_lock lock(mutex_);
        const std::uint64_t goal = waiting_.end();
        const auto done = [&] {
            return waiting_.first() >= goal && (!busy_ || writing_from_ >= goal);
        };
        const auto free = [&] {
            return !busy_ || done();
        };
        while (!done()) {
            if (!settled_.wait_until(lock, end, free)) return false;
            if (done()) break;
            if (std::chrono::steady_clock::now() >= end) return false;
            write_some(lock, transaction_entries);
        }
        return true;
    }

    WriterFigures figures() const {
        const std::lock_guard lock(mutex_);
        WriterFigures figures = figures_;
        figures.queued = waiting_.entries();
        return figures;
    }

  private:
    static void count(std::span<const SourcePtr> sources, std::uint64_t& figure) {
        for (const SourcePtr& source : sources)
            figure += source->entries();
    }

    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            wait_for_batch(lock);
            const Effort effort;
            const bool gently = disturbed_ && !crowded() && !stopping_;
            const std::size_t settled =
                write_some(lock, gently ? small_transaction_entries : transaction_entries);
            if (settled > 0) {
                disturbed_ = effort.disturbed();
                if (disturbed_) rest(lock, rest_per_work * effort.work());
            }
            if (settled == 0 && stopping_ && waiting_.entries() == 0) return;
            lock.unlock();
            const std::uint64_t unindexed = store_.figures().unindexed;
            const bool idle = settled < idle_entries;
            const bool due =
                unindexed >= unindexed_heap || std::chrono::steady_clock::now() >= due_;
            if (unindexed > unindexed_max || (idle && due)) maintain();
            lock.lock();
        }
    }

    /// Or until it is time to look around, or to stop.
    void wait_for_batch(std::unique_lock<std::mutex>& lock) {
        wake_.wait_until(lock, due_, [this] { return waiting_.entries() > 0 || stopping_; });
        if (waiting_.entries() > 0) {
            wake_.wait_for(lock, options_.batch_wait, [this] {
                return waiting_.entries() >= options_.batch_entries || stopping_;
            });
        }
        settled_.wait(lock, [this] { return !busy_; });
    }

    /// With the mutex held, which is released meanwhile. Not longer than there is somebody at work.
    void rest(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        const auto enough = [this] {
            return stopping_ || crowded();
        };
        while (std::chrono::steady_clock::now() < end) {
            const std::uint64_t before = waiting_.end();
            if (wake_.wait_for(lock, quiet, enough) || waiting_.end() == before) return;
        }
    }

    bool crowded() const {
        return waiting_.entries() > options_.queued_entries_max / 2 ||
               waiting_.bytes() > options_.queued_bytes_max / 2;
    }

    /// Takes what waits to the store, in one transaction; the thread's own or that of who flushes.
    /// With the mutex held, which is released meanwhile. How many entries there were.
    std::size_t write_some(std::unique_lock<std::mutex>& lock, std::size_t entries_max) {
        if (waiting_.entries() == 0) return 0;
        busy_ = true;
        writing_from_ = waiting_.first();
        std::size_t entries = 0;
        while (waiting_.entries() > 0 && entries < entries_max) {
            writing_.push_back(waiting_.pop());
            entries += writing_.back()->entries();
            if (writing_.size() % moved_at_once == 0) {
                lock.unlock();
                lock.lock();
            }
        }
        lock.unlock();
        std::vector<JobEntry> batch;
        batch.reserve(entries);
        for (const SourcePtr& source : writing_)
            source->append_to(batch);
        const std::uint64_t refused = batch.empty() ? 0 : write(batch);
        std::vector<SourcePtr> written;  // destroyed with the mutex released
        lock.lock();
        written.swap(writing_);
        figures_.refused += refused;
        figures_.written += batch.size() - refused;
        busy_ = false;
        lock.unlock();
        settled_.notify_all();
        written.clear();
        lock.lock();
        return entries;
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

    HistoryStore& store_;
    const WriterOptions options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable settled_;  // nobody writes any more
    // guarded by mutex_
    WaitingEntries waiting_;
    bool busy_ = false;               // somebody writes
    std::vector<SourcePtr> writing_;  // changed by who writes
    std::uint64_t writing_from_ = 0;  // number of the first of them
    WriterFigures figures_;
    bool stopping_ = false;
    // only used by the thread
    bool disturbed_ = true;  // until it turns out that it is not
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
    impl_->flush(std::chrono::steady_clock::time_point::max());
}

bool HistoryWriter::flush_for(std::chrono::milliseconds wait_max) {
    return impl_->flush(std::chrono::steady_clock::now() + wait_max);
}

WriterFigures HistoryWriter::figures() const {
    return impl_->figures();
}

}  // namespace tranter::history
