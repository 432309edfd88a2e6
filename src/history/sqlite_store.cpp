#include "history/sqlite_store.hpp"

#include "history/rows.hpp"
#include "history/selection.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace tranter::history {
namespace {

constexpr std::size_t page_entries_max = 1000;
constexpr std::size_t remove_step = 1000;
constexpr std::size_t rows_per_trim = 2000;
constexpr std::string_view cursor_prefix = "h1";
constexpr std::string_view name_in_errors = "the history";

std::string cursor_after(Seq seq) {
    return fmt::format("{}{:016x}", cursor_prefix, static_cast<std::uint64_t>(seq));
}

Result<Seq> parse_cursor(std::string_view cursor) {
    if (cursor.empty()) return INT64_MAX;
    Seq seq = 0;
    const char* const end = cursor.data() + cursor.size();
    if (cursor.size() == cursor_prefix.size() + 16 && cursor.starts_with(cursor_prefix)) {
        const auto [stop, error] =
            std::from_chars(cursor.data() + cursor_prefix.size(), end, seq, 16);
        if (error == std::errc{} && stop == end && seq > 0) return seq;
    }
    return fail(
        Errc::invalid_argument,
        fmt::format("cursor '{}' is not one that a page of the history gave", cursor)
    );
}

std::size_t bytes_of(const JobEntry& entry) {
    std::size_t bytes = entry.payload.size() + entry.result.size() + entry.progress.size();
    for (const AttemptError& error : entry.errors)
        bytes += error.type.size() + error.text.size();
    return bytes;
}

std::optional<JobEntry> find_by_seq(Database& database, std::string_view id, Seq seq) {
    const std::string sql =
        fmt::format("SELECT {} FROM entry e WHERE e.seq=?1 AND e.id=?2", entry_columns);
    Statement row(database.handle(), sql);
    row.bind(1, seq).bind_blob(2, id);
    if (!row.step()) return std::nullopt;
    JobEntry entry = read_entry(row);
    entry.log = read_log(database, seq);
    return entry;
}

std::optional<JobEnd> find_end(Database& database, std::string_view id, Seq seq) {
    const StatementUse row =
        database.use("SELECT state, finished FROM entry WHERE seq=?1 AND id=?2");
    row->bind(1, seq).bind_blob(2, id);
    if (!row->step()) return std::nullopt;
    return JobEnd{
        .state = static_cast<State>(row->integer(0)), .finished = instant(row->integer(1))};
}

std::optional<Seq> find_indexed(Database& database, std::string_view id) {
    const StatementUse row = database.use("SELECT seq FROM entry_id WHERE id=?1");
    row->bind_blob(1, id);
    if (!row->step()) return std::nullopt;
    return row->integer(0);
}

/// An id, and where its entry is if that is not in the table of ids yet. Made before a snapshot is
/// begun: what is indexed meanwhile is then found by that table.
struct WantedId {
    std::string bytes{};
    std::optional<Seq> recent{};
};

/// What `find_in(database, bytes, seq)` finds at one of the places where the entry may be.
template <class Find>
auto find_wanted(Database& database, const WantedId& wanted, const Find& find_in)
    -> decltype(find_in(database, wanted.bytes, Seq())) {
    if (wanted.recent) {
        if (auto found = find_in(database, wanted.bytes, *wanted.recent)) return found;
    }
    const auto indexed = find_indexed(database, wanted.bytes);
    if (!indexed) return std::nullopt;
    return find_in(database, wanted.bytes, *indexed);
}

}  // namespace

SqliteStore::SqliteStore(
    HistoryOptions options, const Clock& clock, std::span<const Migration> migrations
)
    : options_(std::move(options)),
      in_memory_(options_.path == HistoryOptions::memory),
      clock_(clock),
      migrations_(migrations) {
    try {
        session_ = open_session(options_, migrations_, clock_);
    } catch (const SystemError& error) {
        throw SystemError(fmt::format("cannot open the history {}: {}", options_.path, error.what())
        );
    }
}

std::shared_ptr<Session> SqliteStore::session() const {
    const std::lock_guard lock(session_mutex_);
    return session_;
}

void SqliteStore::begin_anew(const std::string& reason) {
    if (!in_memory_) {
        session()->abandon();
        move_aside(options_.path, reason, clock_);
    }
    auto fresh = open_session(options_, migrations_, clock_);
    const std::lock_guard lock(session_mutex_);
    session_ = std::move(fresh);
}

template <class Work>
auto SqliteStore::write(const Work& work) -> Result<decltype(work(std::declval<Session&>()))> {
    const std::lock_guard lock(write_mutex_);
    try {
        if (session()->damaged) begin_anew("a reader found it");
        for (bool again = true;; again = false) {
            const auto session = this->session();
            try {
                if (session->stale) session->reload();
                session->stale = false;
                return work(*session);
            } catch (const DatabaseError& error) {
                session->stale = true;
                if (!error.is_damage() || !again) throw;
                begin_anew(error.what());
            }
        }
    } catch (const DatabaseError& error) {
        return std::unexpected(sqlite::error_of(error, name_in_errors));
    } catch (const SystemError& error) {
        return fail(Errc::unavailable, error.what());
    }
}

template <class Work>
auto SqliteStore::read(const Work& work)
    -> Result<decltype(work(std::declval<Session&>(), std::declval<Connection&>()))> {
    const auto session = this->session();
    try {
        if (in_memory_) {
            const std::lock_guard lock(write_mutex_);
            return work(*session, session->writer);
        }
        const Session::Lease lease(*session);
        const Transaction snapshot((*lease).database, Transaction::Kind::read);
        return work(*session, *lease);
    } catch (const DatabaseError& error) {
        if (error.is_damage()) session->damaged = true;
        return std::unexpected(sqlite::error_of(error, name_in_errors));
    }
}

Result<> SqliteStore::put(std::span<const JobEntry> entries) {
    for (const JobEntry& entry : entries) {
        if (entry.result.size() > result_bytes_max) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "result of job {} is {} bytes, limit is {}",
                    entry.id,
                    entry.result.size(),
                    result_bytes_max
                )
            );
        }
    }
    const auto done = write([&](Session& session) {
        session.recorder.put(entries);
        return true;
    });
    if (!done) return std::unexpected(done.error());
    return {};
}

Result<std::optional<JobEntry>> SqliteStore::find(std::string_view id) {
    WantedId wanted{.bytes = encode_id(id)};
    wanted.recent = session()->recent.find(wanted.bytes);
    return read([&](Session& /*session*/, Connection& connection) {
        return find_wanted(connection.database, wanted, find_by_seq);
    });
}

Result<std::vector<std::optional<JobEnd>>> SqliteStore::ends_of(std::span<const std::string> ids) {
    std::vector<WantedId> all;
    all.reserve(ids.size());
    const auto session = this->session();
    for (const std::string& id : ids) {
        WantedId& wanted = all.emplace_back(WantedId{.bytes = encode_id(id)});
        wanted.recent = session->recent.find(wanted.bytes);
    }
    return read([&](Session& /*session*/, Connection& connection) {
        std::vector<std::optional<JobEnd>> ends;
        ends.reserve(all.size());
        for (const WantedId& wanted : all)
            ends.push_back(find_wanted(connection.database, wanted, find_end));
        return ends;
    });
}

Result<Page> SqliteStore::list(const HistoryFilter& filter, const PageRequest& request) {
    if (request.entries_max == 0 || request.entries_max > page_entries_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "page of {} entries, 1 to {} are possible", request.entries_max, page_entries_max
            )
        );
    }
    const auto before = parse_cursor(request.cursor);
    if (!before) return std::unexpected(before.error());
    return read([&](Session& session, Connection& connection) {
        Page page;
        std::size_t bytes = 0;
        Seq last = 0;
        Selection selection(connection.database, connection.tokenizer, session.figures, filter);
        selection.run(entry_columns, *before, request.entries_max + 1, [&](const Statement& row) {
            if (page.entries.size() == request.entries_max || bytes > request.bytes_max) {
                page.next = cursor_after(last);
                return false;
            }
            page.entries.push_back(read_entry(row));
            bytes += bytes_of(page.entries.back());
            last = row.integer(0);
            return true;
        });
        return page;
    });
}

Result<std::vector<CountRow>> SqliteStore::count(const CountRequest& request) {
    return read([&](Session& session, Connection& connection) {
        return count_entries(connection.database, session.figures, request);
    });
}

Result<std::uint64_t> SqliteStore::remove(const HistoryFilter& filter) {
    std::uint64_t removed = 0;
    Seq before = 0;
    while (true) {
        const auto found = write([&](Session& session) {
            Database& database = session.writer.database;
            if (before == 0) {
                before = database.integer("SELECT value FROM state WHERE key='next_seq'");
            }
            std::vector<Seq> seqs;
            Selection(database, session.writer.tokenizer, session.figures, filter)
                .run("e.seq", before, remove_step, [&seqs](const Statement& row) {
                    seqs.push_back(row.integer(0));
                    return true;
                });
            removed += session.recorder.remove(seqs);
            if (!seqs.empty()) before = seqs.back();
            return seqs.size();
        });
        if (!found) return std::unexpected(found.error());
        if (*found < remove_step) return removed;
    }
}

Result<bool> SqliteStore::remove(std::string_view id) {
    return write([&](Session& session) { return session.recorder.remove(id); });
}

Result<bool> SqliteStore::maintain() {
    return write([this](Session& session) {
        const bool trims = session.recorder.trim(clock_.now(), rows_per_trim);
        const bool indexes = session.indexer.step();
        if (trims || indexes || session.indexer.tidy()) return true;
        session.move_journal();
        return false;
    });
}

HistoryFigures SqliteStore::figures() {
    const auto session = this->session();
    return {session->figures.entries(), session->recent.size()};
}

std::unique_ptr<HistoryStore> open_history(const HistoryOptions& options, const Clock& clock) {
    return std::make_unique<SqliteStore>(options, clock);
}

}  // namespace tranter::history
