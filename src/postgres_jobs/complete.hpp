#pragma once

#include "postgres/array_text.hpp"
#include "postgres/connection.hpp"

#include <tranter/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

struct Store;

/// Deliveries whose attempt completed, as parameters of tranter.complete. No job is there twice.
class Completions {
  public:
    void add(std::string id, std::string_view delivery, const std::string& result);
    void add_all(const Completions& others);

    bool empty() const { return ids_.empty(); }
    std::size_t size() const { return ids_.size(); }
    /// As they go to the database.
    std::size_t bytes() const { return id_texts_.bytes() + deliveries_.bytes() + results_.bytes(); }
    const std::vector<std::string>& ids() const { return ids_; }
    std::vector<postgres::Parameter> parameters(std::int32_t queue_id) const;

  private:
    std::vector<std::string> ids_{};
    postgres::ArrayText id_texts_{};
    postgres::ArrayText deliveries_{};
    postgres::ArrayText results_{};
};

/// One answer for each of them. A small call shares a statement with others of the queue. Whatever
/// another brings, it has the answers that it would have had alone; only `unavailable`, when nobody
/// knows what was kept, is all of theirs.
[[nodiscard]] Result<std::vector<Result<>>> complete_jobs(
    Store& store, std::string_view queue, std::int32_t queue_id, const Completions& completions
);
/// The same over a connection of the caller's.
[[nodiscard]] std::vector<Result<>> complete_in(
    postgres::Connection& connection, std::int32_t queue_id, const Completions& completions
);

}  // namespace tranter::postgres_jobs
