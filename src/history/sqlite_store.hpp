#pragma once

#include "history/session.hpp"
#include "history/store.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// What open_history makes. One connection writes, under a mutex; every reader has its own for the
/// time of a call.
class SqliteStore final : public HistoryStore {
  public:
    SqliteStore(
        HistoryOptions options,
        const Clock& clock,
        std::span<const Migration> migrations = history::migrations()
    );

    Result<> put(std::span<const JobEntry> entries) override;
    Result<std::optional<JobEntry>> find(std::string_view id) override;
    Result<std::vector<std::optional<JobEnd>>> ends_of(std::span<const std::string> ids) override;
    Result<Page> list(const HistoryFilter& filter, const PageRequest& request) override;
    Result<std::vector<CountRow>> count(const CountRequest& request) override;
    Result<std::uint64_t> remove(const HistoryFilter& filter) override;
    Result<bool> remove(std::string_view id) override;
    Result<bool> maintain() override;
    HistoryFigures figures() override;

  private:
    std::shared_ptr<Session> session() const;
    /// Calls `work(session)` under the write mutex, with a new session if the file is damaged.
    template <class Work>
    auto write(const Work& work) -> Result<decltype(work(std::declval<Session&>()))>;
    /// Calls `work(session, connection)` inside a transaction that only reads.
    template <class Work>
    auto read(const Work& work)
        -> Result<decltype(work(std::declval<Session&>(), std::declval<Connection&>()))>;
    void begin_anew(const std::string& reason);

    const HistoryOptions options_;
    const bool in_memory_;
    const Clock& clock_;
    const std::span<const Migration> migrations_;
    std::mutex write_mutex_;
    mutable std::mutex session_mutex_;
    // Guarded by session_mutex_. Owned by the store and by the readers that are inside.
    std::shared_ptr<Session> session_;
};

/// Sorted by bucket, queue, type and state.
std::vector<CountRow> count_entries(
    Database& database, const Figures& figures, const CountRequest& request
);

}  // namespace tranter::history
