#include "history/session.hpp"

#include "base/log.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace tranter::history {
namespace {

constexpr std::size_t idle_readers_max = 4;
constexpr std::int64_t page_bytes = 8192;
constexpr int journal_pages_worth_moving = 4096;
/// When there is no moment without work.
constexpr int journal_pages_max = 32'768;
constexpr std::array<std::string_view, 3> file_suffixes = {"", "-wal", "-shm"};

bool in_memory(const HistoryOptions& options) {
    return options.path == HistoryOptions::memory;
}

Recorder::Limits limits_of(const HistoryOptions& options) {
    std::size_t entries = options.entries_per_queue_max;
    if (entries == 0) entries = in_memory(options) ? 1'000 : 100'000;
    return {static_cast<std::int64_t>(entries), options.age_max};
}

Seq text_index_entries(const HistoryOptions& options) {
    auto entries = static_cast<Seq>(options.text_index_entries);
    if (entries == 0) entries = in_memory(options) ? 8'192 : 65'536;
    return (entries + span_length - 1) / span_length * span_length;
}

/// What a writer needs once per connection or per file.
///
/// synchronous=NORMAL: the kernel syncs at checkpoints only, so that a power loss costs the last
/// moments but not the file. OFF would save one sync for every 32 MiB written, which nobody waits
/// for anyway, and cost the whole file.
void set_up(Database& database, const HistoryOptions& options) {
    database.execute(fmt::format("PRAGMA page_size = {}", page_bytes));
    database.execute("PRAGMA journal_mode = WAL");
    database.execute("PRAGMA synchronous = NORMAL");
    database.execute(
        fmt::format("PRAGMA journal_size_limit = {}", 2 * journal_pages_worth_moving * page_bytes)
    );
    database.execute("PRAGMA cache_size = -32768");
    // Debian's SQLite would overwrite with zeros whatever is deleted.
    database.execute("PRAGMA secure_delete = OFF");
    database.execute("PRAGMA temp_store = MEMORY");
    if (options.file_bytes_max > 0) {
        database.execute(fmt::format(
            "PRAGMA max_page_count = {}",
            static_cast<std::int64_t>(options.file_bytes_max) / page_bytes
        ));
    }
}

}  // namespace

Connection::Connection(const std::string& path, Database::Mode mode)
    : database(path, mode), tokenizer(database) {
    add_functions(database);
}

Session::Session(const HistoryOptions& options, std::span<const Migration> migrations)
    : writer(options.path, Database::Mode::write),
      recorder(prepared(options, migrations).database, figures, recent, limits_of(options)),
      indexer(writer.database, figures, recent, text_index_entries(options)),
      path_(options.path) {
    figures.load(writer.database);
    sqlite3_wal_hook(writer.database.handle(), on_commit, this);
}

Connection& Session::prepared(
    const HistoryOptions& options, std::span<const Migration> migrations
) {
    set_up(writer.database, options);
    migrate(writer.database, migrations);
    return writer;
}

int Session::on_commit(void* session, sqlite3* database, const char* name, int pages) {
    int& journal_pages = static_cast<Session*>(session)->journal_pages_;
    journal_pages = pages;
    if (pages < journal_pages_max) return SQLITE_OK;
    journal_pages = 0;
    // As SQLite's own hook does: it is tried again after the next commit.
    sqlite3_wal_checkpoint_v2(database, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    return SQLITE_OK;
}

void Session::move_journal() {
    if (journal_pages_ < journal_pages_worth_moving) return;
    journal_pages_ = 0;
    writer.database.integer("PRAGMA wal_checkpoint(PASSIVE)");
}

void Session::reload() {
    recorder.load();
    figures.load(writer.database);
}

Session::Lease::Lease(Session& session) : session_(session) {
    {
        const std::lock_guard lock(session.idle_mutex_);
        if (!session.idle_.empty()) {
            connection_ = std::move(session.idle_.back());
            session.idle_.pop_back();
        }
    }
    if (!connection_) {
        connection_ = std::make_unique<Connection>(session.path_, Database::Mode::read);
        connection_->database.execute("PRAGMA cache_size = -8192");
        connection_->database.close_quietly();
    }
}

Session::Lease::~Lease() {
    const std::lock_guard lock(session_.idle_mutex_);
    if (session_.idle_.size() < idle_readers_max) session_.idle_.push_back(std::move(connection_));
}

void move_aside(const std::string& path, const std::string& reason, const Clock& clock) {
    std::string aside = fmt::format("{}.damaged-{}", path, unix_seconds(clock.now()));
    std::error_code ignored;
    for (int again = 2; std::filesystem::exists(aside, ignored); ++again)
        aside = fmt::format("{}.damaged-{}-{}", path, unix_seconds(clock.now()), again);
    for (const std::string_view suffix : file_suffixes) {
        const std::string from = fmt::format("{}{}", path, suffix);
        const std::string to = fmt::format("{}{}", aside, suffix);
        if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
            throw SystemError(fmt::format("cannot rename {}: {}", from, std::strerror(errno)));
        }
    }
    log_error(
        "history",
        "the file is damaged; it was moved aside and a new one begun",
        {{"file", path}, {"moved_to", aside}, {"reason", reason}}
    );
}

std::shared_ptr<Session> open_session(
    const HistoryOptions& options, std::span<const Migration> migrations, const Clock& clock
) {
    try {
        return std::make_shared<Session>(options, migrations);
    } catch (const DatabaseError& error) {
        if (!error.is_damage() || in_memory(options)) throw;
        move_aside(options.path, error.what(), clock);
    }
    return std::make_shared<Session>(options, migrations);
}

}  // namespace tranter::history
