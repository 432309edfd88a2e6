#pragma once

#include "base/uuid.hpp"
#include "postgres/array_text.hpp"
#include "postgres/connection.hpp"

#include <tranter/job.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

/// Jobs as parameters of tranter.enqueue_jobs or tranter.enqueue_plain: an array for each column,
/// which ends where only defaults follow. See enqueue_functions.cpp.
class NewJobColumns {
  public:
    /// The jobs were checked, and those without an id get one.
    NewJobColumns(std::string_view queue, std::span<const NewJob> jobs);

    /// Plain ones, after plain ones of the same queue.
    void add_all(const NewJobColumns& others);

    /// Whether they have nothing but a type and a payload.
    bool are_plain() const;
    /// Of enqueue_plain.
    std::vector<postgres::Parameter> plain_parameters() const;
    /// Of enqueue_jobs. `may_be_there`: also look whether ids that were made here are known.
    std::vector<postgres::Parameter> parameters(bool may_be_there) const;

    const std::vector<Uuid>& ids() const { return ids_; }
    /// What plain ones say, as it goes to the database.
    std::size_t plain_bytes() const {
        return id_texts_.bytes() + types_.bytes() + payloads_.bytes();
    }

  private:
    enum Column : std::size_t {
        delay,
        run_at,
        priority,
        job_group,
        ttl,
        deadline,
        options,
        key,
        mode,
        key_ttl,
        columns_count,
    };

    void add(const NewJob& job);
    postgres::ArrayText& at_its_place(Column column);
    void put(Column column, std::string_view text) { at_its_place(column).add(text); }
    void put(Column column, std::int64_t number);

    const std::string queue_;
    std::vector<Uuid> ids_{};
    postgres::ArrayText id_texts_{};
    bool any_chosen_ = false;
    postgres::ArrayText types_{};
    postgres::ArrayText payloads_{};
    std::array<postgres::ArrayText, columns_count> columns_{};
};

}  // namespace tranter::postgres_jobs
