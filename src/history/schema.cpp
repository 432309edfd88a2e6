#include "history/schema.hpp"

#include <array>
#include <cstdint>

namespace tranter::history {
namespace {

/// "Trnt": tells our file from any other database.
constexpr std::int64_t application_id = 0x54726e74;

// entry.seq is the order of recording and never used twice, so it is what cursors point at.
//
// entry_id and the text_<id> tables are filled in sorted heaps some time after the entry (up to
// state.indexed_to), because ids are random: one at a time, each would dirty a page of its own.
// Entries that go leave their id in entry_id_gone, from where it is removed in heaps too. Rows of
// text_<id> whose entry is gone are never removed one by one; the whole table is dropped. Groups
// and tags are words of text_<id> too (see Tokenizer::mark), for the same reason.
//
// span counts what is left of each 8,192 sequence numbers, and between which times it finished.
constexpr Migration version_1 = R"sql(
CREATE TABLE state(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES('next_seq', 1), ('indexed_to', 0);
CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE entry(
    seq INTEGER PRIMARY KEY, id BLOB NOT NULL, queue INTEGER NOT NULL, type INTEGER NOT NULL,
    state INTEGER NOT NULL, attempt INTEGER NOT NULL, attempts_max INTEGER NOT NULL,
    priority INTEGER NOT NULL, created INTEGER NOT NULL, scheduled INTEGER, started INTEGER,
    finished INTEGER NOT NULL, has_log INTEGER NOT NULL, job_group TEXT, dedup_key TEXT,
    worker TEXT, tags TEXT, payload TEXT, result TEXT, errors TEXT, progress TEXT, reason TEXT,
    options TEXT);
CREATE INDEX entry_by_queue ON entry(queue, state);
CREATE INDEX entry_by_type ON entry(type, state);
CREATE INDEX entry_by_state ON entry(state);
CREATE TABLE entry_id(id BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entry_id_gone(number INTEGER PRIMARY KEY, id BLOB NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE entry_log(seq INTEGER PRIMARY KEY, dropped INTEGER NOT NULL, lines TEXT NOT NULL);
CREATE TABLE tally(
    minute INTEGER, queue INTEGER, type INTEGER, state INTEGER, entries INTEGER NOT NULL,
    PRIMARY KEY(minute, queue, type, state)) WITHOUT ROWID;
CREATE TABLE span(
    id INTEGER PRIMARY KEY, live INTEGER NOT NULL, finished_min INTEGER NOT NULL,
    finished_max INTEGER NOT NULL);
CREATE TABLE text_index(id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);
)sql";

constexpr std::array all_migrations = {version_1};

}  // namespace

std::span<const Migration> migrations() {
    return all_migrations;
}

void migrate(Database& database, std::span<const Migration> steps) {
    sqlite::migrate(database, {.application_id = application_id, .component = "history"}, steps);
}

}  // namespace tranter::history
