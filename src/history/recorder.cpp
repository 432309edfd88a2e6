#include "history/recorder.hpp"

#include "history/rows.hpp"

#include <algorithm>
#include <tuple>

namespace tranter::history {
namespace {

/// A queue that is far beyond its bound shrinks by this much per transaction besides what came.
constexpr std::size_t trim_step = 1000;

std::int64_t minute_of(std::int64_t micros) {
    const std::int64_t cut = micros / micros_per_minute;
    return micros % micros_per_minute < 0 ? cut - 1 : cut;
}

}  // namespace

struct Recorder::Work {
    explicit Work(Database& database)
        : transaction(database),
          indexed_to(database.integer("SELECT value FROM state WHERE key='indexed_to'")) {}

    Transaction transaction;
    Seq indexed_to;
    Changes changes;
    std::vector<Removed> removed;
    std::set<NameId> queues;  // that grew
};

Recorder::Recorder(Database& database, Figures& figures, RecentIds& recent, Limits limits)
    : database_(database), figures_(figures), recent_(recent), limits_(limits) {
    load();
}

void Recorder::load() {
    names_.clear();
    next_seq_ = database_.integer("SELECT value FROM state WHERE key='next_seq'");
    recent_.load(database_);
}

void Recorder::put(std::span<const JobEntry> entries) {
    Work work(database_);
    for (const JobEntry& entry : entries)
        put_one(work, entry);
    for (const NameId queue : work.queues)
        trim_queue(work, queue, entries.size() + trim_step);
    finish(work);
}

std::uint64_t Recorder::remove(std::span<const Seq> seqs) {
    Work work(database_);
    std::uint64_t removed = 0;
    for (const Seq seq : seqs)
        removed += remove_one(work, seq) ? 1U : 0U;
    finish(work);
    return removed;
}

bool Recorder::remove(std::string_view id) {
    const auto seq = find_seq(encode_id(id));
    return seq && remove(std::span(&*seq, 1)) > 0;
}

bool Recorder::trim(Instant now, std::size_t entries_max) {
    const auto queues = figures_.queues_above(limits_.entries_per_queue_max);
    const std::int64_t cutoff =
        limits_.age_max > Duration{0} ? micros(now - limits_.age_max) : INT64_MIN;
    if (queues.empty() && !figures_.find_span_before(cutoff)) return false;
    Work work(database_);
    const auto room = [&] {
        return entries_max - std::min(entries_max, work.removed.size());
    };
    for (const NameId queue : queues)
        trim_queue(work, queue, room());
    trim_age(work, cutoff, room());
    const bool full_step = room() == 0;
    finish(work);
    return full_step || figures_.find_span_before(cutoff);
}

void Recorder::put_one(Work& work, const JobEntry& entry) {
    const std::string id = encode_id(entry.id);
    if (const auto earlier = find_seq(id)) {
        if (!is_newer(entry, *earlier)) return;
        remove_one(work, *earlier);
    }
    const Seq seq = next_seq_++;
    const std::int64_t finished = micros(entry.finished);
    const TallyKey key{minute_of(finished), name_id(entry.queue), name_id(entry.type), entry.state};
    insert_entry(database_, entry, seq, id, key);
    work.changes.add(key, seq, finished);
    work.queues.insert(key.queue);
    recent_.put(id, seq);
}

std::optional<Seq> Recorder::find_seq(std::string_view id) {
    if (const auto seq = recent_.find(id)) return seq;
    const StatementUse row = database_.use(
        "SELECT i.seq FROM entry_id i CROSS JOIN entry e ON e.seq=i.seq WHERE i.id=?1 AND e.id=?1"
    );
    row->bind_blob(1, id);
    if (!row->step()) return std::nullopt;
    return row->integer(0);
}

bool Recorder::is_newer(const JobEntry& entry, Seq than) {
    const StatementUse row = database_.use("SELECT finished FROM entry WHERE seq=?1");
    row->bind(1, than);
    return !row->step() || micros(entry.finished) >= row->integer(0);
}

bool Recorder::remove_one(Work& work, Seq seq) {
    std::string id;
    {
        const StatementUse row =
            database_.use("SELECT id, queue, type, state, finished, has_log FROM entry WHERE seq=?1"
            );
        row->bind(1, seq);
        if (!row->step()) return false;
        id = row->text(0);
        const TallyKey key{
            minute_of(row->integer(4)),
            row->integer(1),
            row->integer(2),
            static_cast<State>(row->integer(3))};
        work.changes.subtract(key, seq);
        if (row->integer(5) != 0) {
            database_.use("DELETE FROM entry_log WHERE seq=?1")->bind(1, seq).run();
        }
    }
    database_.use("DELETE FROM entry WHERE seq=?1")->bind(1, seq).run();
    if (seq <= work.indexed_to) {
        const StatementUse gone =
            database_.use("INSERT INTO entry_id_gone(id, seq) VALUES(?1, ?2)");
        gone->bind_blob(1, id).bind(2, seq).run();
    }
    work.removed.push_back({seq, std::move(id)});
    return true;
}

void Recorder::trim_queue(Work& work, NameId queue, std::size_t entries_max) {
    const std::int64_t entries = figures_.entries_of_queue(queue) + work.changes.queue_delta(queue);
    const std::int64_t excess = entries - limits_.entries_per_queue_max;
    if (excess <= 0) return;
    const auto count = std::min(static_cast<std::size_t>(excess), entries_max);
    for (const Seq seq : oldest_of(queue, count))
        remove_one(work, seq);
}

std::vector<Seq> Recorder::oldest_of(NameId queue, std::size_t entries_max) {
    std::vector<Seq> seqs;
    const StatementUse row = database_.use(
        "SELECT seq FROM entry INDEXED BY entry_by_queue WHERE queue=?1 AND state=?2"
        " ORDER BY seq LIMIT ?3"
    );
    for (const State state : all_states) {
        row->bind(1, queue).bind(2, static_cast<std::int64_t>(state));
        row->bind(3, static_cast<std::int64_t>(entries_max));
        while (row->step())
            seqs.push_back(row->integer(0));
        row->reset();
    }
    std::ranges::sort(seqs);
    seqs.resize(std::min(seqs.size(), entries_max));
    return seqs;
}

void Recorder::trim_age(Work& work, std::int64_t cutoff, std::size_t entries_max) {
    const auto span = figures_.find_span_before(cutoff);
    if (!span || entries_max == 0) return;
    const Seq first = *span * span_length;
    std::vector<Seq> seqs;
    {
        const StatementUse row = database_.use(
            "SELECT seq FROM entry WHERE seq BETWEEN ?1 AND ?2 AND finished<?3 LIMIT ?4"
        );
        row->bind(1, first).bind(2, first + span_length - 1).bind(3, cutoff);
        row->bind(4, static_cast<std::int64_t>(entries_max));
        while (row->step())
            seqs.push_back(row->integer(0));
    }
    for (const Seq seq : seqs)
        remove_one(work, seq);
    if (seqs.size() < entries_max) {
        // Nothing as old is left here, so that the next look goes to another span.
        figures_.narrow_span(*span, cutoff);
    }
}

NameId Recorder::name_id(std::string_view name) {
    const auto known = names_.find(name);
    if (known != names_.end()) return known->second;
    database_.use("INSERT OR IGNORE INTO name(text) VALUES(?1)")->bind(1, name).run();
    const StatementUse row = database_.use("SELECT id FROM name WHERE text=?1");
    row->bind(1, name);
    row->step();
    return names_.emplace(name, row->integer(0)).first->second;
}

void Recorder::finish(Work& work) {
    figures_.save(database_, work.changes);
    database_.use("UPDATE state SET value=?1 WHERE key='next_seq'")->bind(1, next_seq_).run();
    work.transaction.commit();
    figures_.apply(work.changes);
    for (const Removed& removed : work.removed)
        recent_.erase(removed.id, removed.seq);
}

}  // namespace tranter::history
