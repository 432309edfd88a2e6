#pragma once

#include "postgres/connection.hpp"

#include <tranter/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

struct Store;

/// Deliveries whose attempt completed, as parameters of tranter.complete. No job is there twice.
class Completions {
  public:
    struct One {
        std::string id{};
        std::string delivery{};
        std::string_view result{};  // empty: none
    };

    /// `result` is not copied.
    void add(std::string id, std::string delivery, std::string_view result);
    void add_all(const Completions& others);

    bool empty() const { return all_.empty(); }
    std::size_t size() const { return all_.size(); }
    std::size_t bytes() const { return bytes_; }
    const std::vector<One>& all() const { return all_; }
    /// The places of all, from 0, by id: who locks several jobs does so in this order.
    std::vector<std::size_t> in_order() const;
    std::vector<postgres::Parameter> parameters(
        std::int32_t queue_id, std::span<const std::size_t> order
    ) const;

  private:
    std::vector<One> all_{};
    std::size_t bytes_ = 0;
};

/// One answer for each of them. A small call shares a statement with others of the queue. Whatever
/// another brings, and however long another's job is locked, it has the answers that it would have
/// had alone. Only what would be the same for all is told to all, and `unavailable` when nobody
/// knows what was kept.
[[nodiscard]] Result<std::vector<Result<>>> complete_jobs(
    Store& store, std::string_view queue, std::int32_t queue_id, const Completions& completions
);
/// The same over a connection of the caller's.
[[nodiscard]] std::vector<Result<>> complete_in(
    postgres::Connection& connection, std::int32_t queue_id, const Completions& completions
);

}  // namespace tranter::postgres_jobs
