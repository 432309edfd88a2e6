#pragma once

#include "base/time.hpp"
#include "history/database.hpp"
#include "history/figures.hpp"
#include "history/indexer.hpp"
#include "history/recorder.hpp"
#include "history/schema.hpp"
#include "history/store.hpp"
#include "history/text.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace tranter::history {

/// A connection that can search.
struct Connection {
    Connection(const std::string& path, Database::Mode mode);

    Database database;
    Tokenizer tokenizer;
};

/// Everything that belongs to one opened file. When the file turns out to be damaged it is moved
/// aside and another session begun; readers that are still in this one keep it alive.
class Session {
  public:
    /// Throws DatabaseError of damage, or SystemError when the user has to act.
    Session(const HistoryOptions& options, std::span<const Migration> migrations);

    /// A reading connection of the caller's own until it is destroyed. Thread-safe. Not for memory
    /// mode, where `writer` is the only connection there is.
    class Lease {
      public:
        explicit Lease(Session& session);
        ~Lease();
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Connection& operator*() const { return *connection_; }

      private:
        Session& session_;
        std::unique_ptr<Connection> connection_;
    };

    /// The file is about to be moved; see Database::close_quietly.
    void abandon() { writer.database.close_quietly(); }
    /// Moves what was committed from the journal into the file, if there is much of it. Syncs both,
    /// which a disk that others wait for does not do beside their work, so it is kept for a moment
    /// without any.
    void move_journal();
    /// Reads again what a failed transaction may have left wrong in memory.
    void reload();

    Figures figures;
    RecentIds recent;
    Connection writer;  // guarded by the store's write mutex, as are the next two
    Recorder recorder;
    Indexer indexer;
    /// Set by whoever notices it.
    std::atomic<bool> damaged{false};
    bool stale = false;  // guarded by the store's write mutex: reload() has to come first

  private:
    Connection& prepared(const HistoryOptions& options, std::span<const Migration> migrations);

    static int on_commit(void* session, sqlite3* database, const char* name, int pages);

    int journal_pages_ = 0;  // guarded by the store's write mutex
    const std::string path_;
    std::mutex idle_mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;  // guarded by idle_mutex_
};

/// Opens the file of the options, and moves it aside first if it is damaged.
std::shared_ptr<Session> open_session(
    const HistoryOptions& options, std::span<const Migration> migrations, const Clock& clock
);
/// Renames the file and what belongs to it, and says so in the log.
void move_aside(const std::string& path, const std::string& reason, const Clock& clock);

}  // namespace tranter::history
