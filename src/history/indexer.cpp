#include "history/indexer.hpp"

#include "history/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::history {
namespace {

// One step: tens of milliseconds.
constexpr std::int64_t step_entries = 4000;
constexpr std::int64_t step_bytes = std::int64_t{4} << 20;

/// Two neighbours become one when together they hold less than this part of what one may.
constexpr std::int64_t merge_part = 4;

}  // namespace

struct Indexer::Batch {
    Seq indexed_to = 0;  // before
    Seq last = 0;        // after
    bool more = false;
    std::vector<std::pair<std::string, Seq>> ids;
};

Indexer::Indexer(
    Database& database, const Figures& figures, RecentIds& recent, Seq text_index_entries
)
    : database_(database),
      figures_(figures),
      recent_(recent),
      text_index_entries_(text_index_entries) {}

bool Indexer::step() {
    Transaction transaction(database_);
    const Batch batch = read_batch();
    bool more = forget_ids();
    if (batch.last > batch.indexed_to) {
        add_ids(batch);
        Seq first = batch.ids.empty() ? batch.last + 1 : batch.ids.front().second;
        while (first <= batch.last) {
            const std::int64_t index = index_for(first);
            const Seq end = text_indexes().front().last;
            add_texts(index, first, std::min(end, batch.last));
            first = end + 1;
        }
        const StatementUse row = database_.use("UPDATE state SET value=?1 WHERE key='indexed_to'");
        row->bind(1, batch.last).run();
        more = more || batch.more;
    }
    transaction.commit();
    for (const auto& [id, seq] : batch.ids)
        recent_.erase(id, seq);
    return more;
}

Indexer::Batch Indexer::read_batch() {
    Batch batch;
    batch.indexed_to = database_.integer("SELECT value FROM state WHERE key='indexed_to'");
    batch.last = database_.integer("SELECT value FROM state WHERE key='next_seq'") - 1;
    std::int64_t bytes = 0;
    std::int64_t entries = 0;
    const StatementUse row = database_.use(
        "SELECT e.seq, e.id, ifnull(length(e.payload), 0) + ifnull(length(e.result), 0)"
        " + ifnull((SELECT length(lines) FROM entry_log l WHERE l.seq=e.seq), 0)"
        " FROM entry e WHERE e.seq>?1 ORDER BY e.seq"
    );
    row->bind(1, batch.indexed_to);
    while (row->step()) {
        if (entries == step_entries || bytes >= step_bytes) {
            batch.last = batch.ids.back().second;
            batch.more = true;
            break;
        }
        batch.ids.emplace_back(row->text(1), row->integer(0));
        bytes += row->integer(2);
        ++entries;
    }
    return batch;
}

void Indexer::add_ids(const Batch& batch) {
    auto ids = batch.ids;
    std::ranges::sort(ids);
    const StatementUse row = database_.use("INSERT OR REPLACE INTO entry_id VALUES(?1, ?2)");
    for (const auto& [id, seq] : ids)
        row->bind_blob(1, id).bind(2, seq).run();
}

bool Indexer::forget_ids() {
    std::vector<std::pair<std::string, Seq>> gone;
    std::int64_t last = 0;
    {
        const StatementUse row =
            database_.use("SELECT number, id, seq FROM entry_id_gone ORDER BY number LIMIT ?1");
        row->bind(1, 2 * step_entries);
        while (row->step()) {
            last = row->integer(0);
            gone.emplace_back(row->text(1), row->integer(2));
        }
    }
    if (gone.empty()) return false;
    std::ranges::sort(gone);
    const StatementUse row = database_.use("DELETE FROM entry_id WHERE id=?1 AND seq=?2");
    for (const auto& [id, seq] : gone)
        row->bind_blob(1, id).bind(2, seq).run();
    database_.use("DELETE FROM entry_id_gone WHERE number<=?1")->bind(1, last).run();
    return std::cmp_equal(gone.size(), 2 * step_entries);
}

void Indexer::add_texts(std::int64_t index, Seq first, Seq last) {
    Statement insert(
        database_.handle(),
        fmt::format(
            "INSERT INTO text_{}(rowid, payload, result, errors, log, marks)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            index
        )
    );
    const StatementUse row = database_.use(
        "SELECT e.seq, e.payload, e.result, e.errors,"
        " CASE WHEN e.has_log THEN (SELECT lines FROM entry_log l WHERE l.seq=e.seq) END,"
        " e.job_group, e.tags"
        " FROM entry e WHERE e.seq BETWEEN ?1 AND ?2 ORDER BY e.seq"
    );
    row->bind(1, first).bind(2, last);
    std::array<std::string, text_fields> buffers;
    while (row->step()) {
        const Texts texts{row->text(1), row->text(2), row->text(3), row->text(4)};
        insert.bind(1, row->integer(0));
        for (std::size_t field = 0; field < text_fields; ++field) {
            const int parameter = static_cast<int>(field) + 2;
            insert.bind(
                parameter, indexed_text(texts, static_cast<TextField>(field), buffers[field])
            );
        }
        const std::string marks = marks_of(row->text(5), row->text(6));
        insert.bind(text_fields + 2, marks);
        insert.run();
    }
}

std::int64_t Indexer::index_for(Seq seq) {
    const auto indexes = text_indexes();
    if (!indexes.empty() && seq <= indexes.front().last) return indexes.front().id;
    const Seq last = indexes.empty() ? -1 : indexes.front().last;
    // Gaps of whole spans, which were trimmed before they were indexed, stay out.
    const Seq first = std::max(last + 1, seq / span_length * span_length);
    return create(first, first + text_index_entries_ - 1);
}

std::vector<Indexer::TextIndex> Indexer::text_indexes() {
    std::vector<TextIndex> indexes;
    const StatementUse row =
        database_.use("SELECT id, first, last FROM text_index ORDER BY first DESC");
    while (row->step())
        indexes.push_back({row->integer(0), row->integer(1), row->integer(2)});
    return indexes;
}

std::int64_t Indexer::create(Seq first, Seq last) {
    database_.use("INSERT INTO text_index(first, last) VALUES(?1, ?2)")
        ->bind(1, first)
        .bind(2, last)
        .run();
    const std::int64_t id = database_.integer("SELECT last_insert_rowid()");
    // content='': it finds rows, the texts stand in `entry`
    database_.execute(fmt::format(
        "CREATE VIRTUAL TABLE text_{0} USING fts5(payload, result, errors, log, marks, content='',"
        " columnsize=0, tokenize='{1}');"
        "INSERT INTO text_{0}(text_{0}, rank) VALUES('hashsize', 16777216)",
        id,
        Tokenizer::definition
    ));
    return id;
}

void Indexer::drop(std::int64_t index) {
    database_.execute(fmt::format("DROP TABLE text_{}", index));
    database_.use("DELETE FROM text_index WHERE id=?1")->bind(1, index).run();
}

bool Indexer::tidy() {
    Transaction transaction(database_);
    const auto indexes = text_indexes();
    // the newest is still being filled
    for (std::size_t at = 1; at < indexes.size(); ++at) {
        const TextIndex& index = indexes[at];
        const std::int64_t live = figures_.live_between(index.first, index.last);
        if (live == 0) {
            drop(index.id);
            transaction.commit();
            return true;
        }
        if (at + 1 == indexes.size()) break;
        const TextIndex& older = indexes[at + 1];
        const std::int64_t both = live + figures_.live_between(older.first, older.last);
        if (both * merge_part > text_index_entries_) continue;
        drop(index.id);
        drop(older.id);
        add_texts(create(older.first, index.last), older.first, index.last);
        transaction.commit();
        return true;
    }
    return false;
}

}  // namespace tranter::history
