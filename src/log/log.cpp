#include "log/log.hpp"

#include "log/frame_reader.hpp"
#include "log/log_impl.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tranter::log {
namespace {

void check_size(std::string_view body) {
    if (body.size() <= body_bytes_max) return;
    throw std::length_error(
        "record has " + std::to_string(body.size()) + " bytes, limit is " +
        std::to_string(body_bytes_max)
    );
}

}  // namespace

Log::Log(Disk& disk, LogOptions options, RecordVisitor& visitor)
    : impl_(std::make_unique<Impl>(disk, options)) {
    impl_->open(visitor);
}

Log::~Log() = default;

const StoreIdentity& Log::identity() const {
    return impl_->identity;
}

const OpenReport& Log::opened() const {
    return impl_->report;
}

Position Log::append(RecordType type, std::string_view body) {
    check_size(body);
    const std::lock_guard lock(impl_->mutex);
    return impl_->append(type, body);
}

Position Log::append_in(SegmentNumber segment, RecordType type, std::string_view body) {
    check_size(body);
    const std::lock_guard lock(impl_->mutex);
    return impl_->next_segment() == segment ? impl_->append(type, body) : 0;
}

Position Log::Impl::append(RecordType type, std::string_view body) {
    Chunk& chunk = chunk_for_append();
    const Position position = make_position(end_segment, end_offset);
    append_frame(chunk.bytes, type, body);
    end_offset = chunk.end();
    figures.appended_bytes += frame_bytes(body.size());
    ++figures.appended_records;
    resting.store(false, std::memory_order_relaxed);
    return position;
}

Chunk& Log::Impl::chunk_for_append() {
    if (pending.empty() || end_offset >= options.segment_bytes) start_chunk();
    return pending.back();
}

void Log::Impl::start_chunk() {
    Chunk chunk;
    if (!spare.empty()) {
        chunk.bytes = std::move(spare.back());
        spare.pop_back();
    }
    if (end_offset >= options.segment_bytes) {
        chunk.bytes += encode_header(
            {.store = identity.id, .number = end_segment + 1, .previous_end = end_offset}
        );
        chunk.batch_at = segment_header_bytes;
        ++end_segment;
    } else {
        chunk.offset = end_offset;
    }
    chunk.segment = end_segment;
    append_batch_frame(chunk.bytes, {});
    end_offset = chunk.end();
    pending.push_back(std::move(chunk));
}

Position Log::end() const {
    const std::lock_guard lock(impl_->mutex);
    return make_position(impl_->end_segment, impl_->end_offset);
}

SegmentNumber Log::next_segment() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->next_segment();
}

SegmentNumber Log::Impl::next_segment() const {
    return end_segment + (end_offset >= options.segment_bytes ? 1 : 0);
}

bool Log::is_written(Position position) const {
    return position <= impl_->written_end.load(std::memory_order_acquire);
}

bool Log::is_durable(Position position) const {
    return position <= impl_->durable_end.load(std::memory_order_acquire);
}

void Log::when_written(Position position, Done done) {
    impl_->wait(
        impl_->written_waiters, impl_->written_end, Wanted::write, position, std::move(done)
    );
}

void Log::when_durable(Position position, Done done) {
    const bool os = impl_->options.durability == Durability::os;
    impl_->wait(
        impl_->durable_waiters,
        impl_->durable_end,
        os ? Wanted::write : Wanted::sync,
        position,
        std::move(done)
    );
}

void Log::Impl::wait(
    Waiters& waiters, std::atomic<Position>& end, Wanted wanted, Position at, Done done
) {
    bool call = false;
    bool reached = false;
    bool waits = false;
    {
        const std::lock_guard lock(mutex);
        reached = at <= end.load(std::memory_order_relaxed);
        waits = !reached && !stuck();
        if (waits) {
            call =
                waiters.empty() || (&waiters == &durable_waiters && waiters.size() + 1 == expected);
            auto place = waiters.end();
            while (place != waiters.begin() && std::prev(place)->position > at)
                --place;
            waiters.insert(place, {.position = at, .done = std::move(done)});
        }
    }
    // Moved from only when it waits.
    if (!waits) return done(reached);  // NOLINT(bugprone-use-after-move)
    if (call && on_wanted) on_wanted(wanted);
}

Accepts Log::accepts() const {
    if (impl_->stuck()) return Accepts::nothing;
    return impl_->low_space ? Accepts::no_growth : Accepts::everything;
}

std::string Log::trouble() const {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stuck()) return impl_->failure;
    if (!impl_->low_space) return {};
    return "the disk of the data directory is nearly full: " +
           std::to_string(impl_->free_bytes.load()) + " bytes are free, " +
           std::to_string(impl_->options.reserve_bytes) +
           " are kept for what makes space, such as deletes";
}

LogFigures Log::figures() const {
    const std::lock_guard lock(impl_->mutex);
    LogFigures figures = impl_->figures;
    figures.oldest_segment = impl_->segments.begin()->first;
    // One that was begun does not count before something is in it: until then the end of the one
    // before is not known to everybody, and who compacted it would miss its last commit.
    figures.newest_segment = segment_of(impl_->written_end);
    for (const auto& [number, segment] : impl_->segments)
        figures.bytes += segment.end;
    return figures;
}

std::uint32_t Log::segment_bytes() const {
    return impl_->options.segment_bytes;
}

bool Log::wants(Wanted wanted) const {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stuck()) return false;
    const bool os = impl_->options.durability == Durability::os;
    const bool durable = !impl_->durable_waiters.empty();
    if (wanted == Wanted::sync) return durable && !os;
    return wanted == Wanted::write && (!impl_->written_waiters.empty() || (durable && os));
}

Log::Crowd Log::crowd() const {
    const std::lock_guard lock(impl_->mutex);
    Crowd crowd = impl_->crowd;
    crowd.waiting = impl_->durable_waiters.size();
    return crowd;
}

void Log::expect(std::size_t waiting) {
    const std::lock_guard lock(impl_->mutex);
    impl_->expected = waiting;
}

void Log::on_wanted(std::function<void(Wanted)> hook) {
    impl_->on_wanted = std::move(hook);
}

std::optional<Log::Found> Log::read(Position position) const {
    const SegmentNumber number = segment_of(position);
    const std::uint32_t offset = offset_of(position);
    std::shared_ptr<File> file;
    std::uint32_t end = 0;
    {
        const std::lock_guard lock(impl_->mutex);
        if (const Chunk* chunk = impl_->find_chunk(position)) {
            const auto frame = std::string_view(chunk->bytes).substr(offset - chunk->offset);
            return Found{.type = type_of(frame), .body = std::string(body_of(frame))};
        }
        const auto found = impl_->segments.find(number);
        if (found == impl_->segments.end()) return std::nullopt;
        file = found->second.file;
        end = found->second.end;
    }
    constexpr std::size_t window_bytes = 4096;  // most records fit
    FrameReader reader(*file, impl_->identity.id, number, end, window_bytes);
    const auto frame = reader.frame(offset);
    if (!frame) throw impl_->damaged(number, offset);
    return Found{.type = frame->type, .body = std::string(frame->body)};
}

const Chunk* Log::Impl::find_chunk(Position position) const {
    const std::uint32_t offset = offset_of(position);
    for (const auto* chunks : {&in_flight, &pending}) {
        for (const Chunk& chunk : *chunks) {
            const bool here = chunk.segment == segment_of(position);
            if (here && offset >= chunk.offset && offset < chunk.end()) return &chunk;
        }
    }
    return nullptr;
}

CorruptLog Log::Impl::damaged(SegmentNumber number, std::uint64_t offset) const {
    return CorruptLog(
        disk.path_of(segment_name(number)) + " is damaged at offset " + std::to_string(offset) +
        ": a record is damaged"
    );
}

std::uint32_t Log::visit_oldest(std::uint32_t offset, std::size_t bytes_max, RecordVisitor& visitor)
    const {
    std::shared_ptr<File> file;
    SegmentNumber number = 0;
    std::uint32_t end = 0;
    {
        const std::lock_guard lock(impl_->mutex);
        number = impl_->segments.begin()->first;
        file = impl_->segments.begin()->second.file;
        end = impl_->segments.begin()->second.end;
    }
    FrameReader reader(*file, impl_->identity.id, number, end);
    const std::uint64_t first = std::max<std::uint64_t>(offset, segment_header_bytes);
    std::uint64_t at = first;
    while (at < end && at - first < bytes_max) {
        const auto frame = reader.frame(at);
        if (!frame) throw impl_->damaged(number, at);
        const Position position = make_position(number, static_cast<std::uint32_t>(at));
        at += frame->bytes;
        if (frame->type != batch_type) visitor.record(position, frame->type, frame->body);
    }
    return at < end ? static_cast<std::uint32_t>(at) : 0;
}

}  // namespace tranter::log
