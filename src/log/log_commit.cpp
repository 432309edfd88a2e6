#include "base/burst.hpp"
#include "base/log.hpp"
#include "log/log_impl.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tranter::log {
namespace {

void seal(Chunk& chunk, std::uint64_t store, std::uint64_t commit, Position synced) {
    std::string batch;
    const std::size_t frames_at = chunk.batch_at + batch_frame_bytes;
    append_batch_frame(
        batch,
        {.commit = commit,
         .bytes = static_cast<std::uint32_t>(chunk.bytes.size() - frames_at),
         .synced = segment_of(synced) == chunk.segment ? offset_of(synced) : 0}
    );
    // In place and without touching the string's own fields, which read() may be reading.
    std::copy(batch.begin(), batch.end(), chunk.bytes.data() + chunk.batch_at);
    const Position at = make_position(chunk.segment, chunk.offset + chunk.batch_at);
    seal_frames(store, at, chunk.bytes, chunk.batch_at);
    chunk.sealed = true;
}

}  // namespace

bool Log::write() {
    bool written = false;
    {
        const std::lock_guard writing(impl_->write_mutex);
        if (impl_->failed || !impl_->take_pending()) return false;
        try {
            for (const Chunk& chunk : impl_->in_flight)
                impl_->write_chunk(chunk);
            impl_->publish_written();
            written = true;
        } catch (const DiskError& error) {
            impl_->note_failure(error, error.full());
        }
    }
    impl_->answer();
    return written;
}

bool Log::Impl::take_pending() {
    Position synced = 0;
    {
        const std::lock_guard lock(mutex);
        synced = synced_end;
        // What found no space goes first.
        if (in_flight.empty()) in_flight.swap(pending);
    }
    for (Chunk& chunk : in_flight) {
        if (!chunk.sealed) seal(chunk, identity.id, ++last_commit, synced);
    }
    return !in_flight.empty();
}

void Log::Impl::write_chunk(const Chunk& chunk) {
    if (chunk.opens_segment()) open_segment(chunk);
    Segment* segment = nullptr;
    {
        const std::lock_guard lock(mutex);
        segment = &segments.at(chunk.segment);
    }
    write_growing(chunk, *segment);
}

/// The segment before is closed and durable before anything is written to this one, so that only
/// the newest can have a torn tail.
void Log::Impl::open_segment(const Chunk& chunk) {
    std::shared_ptr<File> before;
    std::uint32_t before_end = 0;
    {
        const std::lock_guard lock(mutex);
        if (segments.contains(chunk.segment)) return;  // from a try that found no space
        before = segments.rbegin()->second.file;
    }
    // Everything before this chunk was written in this call or earlier.
    for (const Chunk& earlier : in_flight) {
        if (earlier.segment + 1 == chunk.segment) before_end = earlier.end();
    }
    if (before_end == 0) before_end = offset_of(written_end.load());
    before->truncate(before_end);
    sync_file(*before);
    const std::string name = segment_name(chunk.segment);
    if (disk.exists(name)) disk.remove(name);
    Segment segment{.file = disk.create(name)};
    disk.sync_directory();
    {
        const std::lock_guard lock(mutex);
        segments.emplace(chunk.segment, std::move(segment));
    }
    if (on_wanted) on_wanted(Wanted::nothing);
}

/// Writes zeros behind the records whenever the file has to grow.
void Log::Impl::write_growing(const Chunk& chunk, Segment& segment) {
    if (chunk.end() <= segment.grown) {
        segment.file->write(chunk.offset, chunk.bytes);
        return;
    }
    const std::uint64_t step = std::max<std::uint64_t>(options.grow_bytes, 1);
    const std::uint64_t grown = (chunk.end() + step - 1) / step * step;
    std::string bytes = chunk.bytes;
    bytes.resize(static_cast<std::size_t>(grown - chunk.offset), '\0');
    try {
        segment.file->write(chunk.offset, bytes);
        segment.grown = grown;
    } catch (const DiskError& error) {
        if (!error.full()) throw;
        segment.file->write(chunk.offset, chunk.bytes);
        segment.grown = chunk.end();
    }
    check_free_bytes();
}

void Log::Impl::publish_written() {
    const std::lock_guard lock(mutex);
    for (const Chunk& chunk : in_flight) {
        segments.at(chunk.segment).end = chunk.end();
        ++figures.commits;
    }
    const Position end = make_position(in_flight.back().segment, in_flight.back().end());
    // One being filled and one being written are enough; a burst does not keep its memory.
    constexpr std::size_t spare_max = 2;
    constexpr std::size_t spare_bytes_max = 1U << 20U;
    for (Chunk& chunk : in_flight) {
        if (spare.size() >= spare_max || chunk.bytes.capacity() > spare_bytes_max) continue;
        chunk.bytes.clear();
        spare.push_back(std::move(chunk.bytes));
    }
    in_flight.clear();
    if (no_space.exchange(false) && !failed) failure.clear();
    written_end.store(end, std::memory_order_release);
    take_ready(written_waiters, end);
    if (options.durability == Durability::os) {
        durable_end.store(end, std::memory_order_release);
        take_ready(durable_waiters, end);
    }
}

bool Log::sync() {
    write();
    bool synced = false;
    {
        const std::lock_guard syncing(impl_->sync_mutex);
        synced = impl_->sync_written();
    }
    impl_->answer();
    return synced;
}

bool Log::Impl::sync_written() {
    std::shared_ptr<File> file;
    Position target = 0;
    {
        const std::lock_guard lock(mutex);
        target = written_end;
        if (failed || target == synced_end) return false;
        file = segments.at(segment_of(target)).file;
    }
    const auto began = std::chrono::steady_clock::now();
    try {
        sync_file(*file);
    } catch (const DiskError&) {
        return false;
    }
    const auto spent = std::chrono::steady_clock::now() - began;
    const std::lock_guard lock(mutex);
    if (failed) return false;
    synced_end = target;
    crowd.sync_time = std::chrono::duration_cast<std::chrono::microseconds>(spent);
    ++figures.syncs;
    figures.sync_micros += static_cast<std::uint64_t>(crowd.sync_time.count());
    if (options.durability == Durability::sync) {
        durable_end.store(target, std::memory_order_release);
        const std::size_t before = durable_waiters.size();
        take_ready(durable_waiters, target);
        crowd.answered = before - durable_waiters.size();
    }
    return true;
}

/// A segment may be closed, and synced for that, while it is being synced. Only one of two syncs
/// under way learns of a page that could not be written, so the other must not believe its answer.
void Log::Impl::sync_file(File& file) {
    const std::lock_guard lock(file_sync_mutex);
    if (failed) throw DiskError("an earlier sync failed", false);
    try {
        file.sync();
    } catch (const DiskError& error) {
        note_failure(error, false);
        throw;
    }
}

void Log::rest() {
    // Who is answered may append something more.
    while (sync()) {
    }
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->stuck() || impl_->resting || !impl_->pending.empty()) return;
        impl_->start_chunk();
        impl_->resting = true;
    }
    sync();
}

void Log::fail(const std::string& reason) {
    impl_->note_failure(DiskError(reason, false), false);
    impl_->answer();
}

void Log::check_space() {
    impl_->check_free_bytes();
    if (impl_->no_space) write();
}

void Log::Impl::check_free_bytes() {
    std::uint64_t free = 0;
    try {
        free = disk.free_bytes();
    } catch (const DiskError&) {
        return;  // a disk that cannot say it will refuse the write
    }
    free_bytes = free;
    // A little more must be free to go on than to stop, or it would go back and forth.
    const std::uint64_t needed =
        options.reserve_bytes + (low_space ? options.reserve_bytes / 4 : 0);
    const bool low = free < needed;
    if (low_space.exchange(low) == low) return;
    if (low) {
        log_warn(
            "log",
            "the disk is nearly full, nothing that needs space is accepted",
            {{"free_bytes", free}, {"reserve_bytes", options.reserve_bytes}}
        );
    } else {
        log_info("log", "the disk has space again", {{"free_bytes", free}});
    }
}

void Log::Impl::note_failure(const DiskError& error, bool may_pass) {
    {
        const std::lock_guard lock(mutex);
        if (failed || (may_pass && no_space)) return;
        failure = error.what();
        (may_pass ? no_space : failed) = true;
        for (Waiters* waiters : {&written_waiters, &durable_waiters}) {
            for (Waiter& waiter : *waiters)
                answers.push_back({.done = std::move(waiter.done), .reached = false});
            waiters->clear();
        }
    }
    log_error(
        "log",
        may_pass ? "no space on the disk, nothing is accepted until there is"
                 : "the disk failed, nothing is acknowledged any more; restart to recover",
        {{"error", error.what()}}
    );
}

void Log::Impl::take_ready(Waiters& waiters, Position end) {
    while (!waiters.empty() && waiters.front().position <= end) {
        answers.push_back({.done = std::move(waiters.front().done), .reached = true});
        waiters.pop_front();
    }
}

void Log::Impl::answer() {
    std::vector<Answer> ready;
    {
        const std::lock_guard lock(mutex);
        ready.swap(answers);
    }
    const Burst burst;
    for (Answer& answer : ready)
        answer.done(answer.reached);
}

bool Log::drop_oldest() {
    // With `os` what was kept of the segment may only be in the kernel's hands.
    sync();
    SegmentNumber number = 0;
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->failed || impl_->segments.size() < 2) return false;
        number = impl_->segments.begin()->first;
    }
    try {
        impl_->disk.remove(segment_name(number));
        // One at a time, so that no segment is missing between two that are there.
        impl_->disk.sync_directory();
    } catch (const DiskError& error) {
        impl_->note_failure(error, false);
        impl_->answer();
        return false;
    }
    const std::lock_guard lock(impl_->mutex);
    impl_->segments.erase(number);
    return true;
}

}  // namespace tranter::log
