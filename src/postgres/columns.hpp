#pragma once

#include "postgres/connection.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace tranter::postgres {

/// Many rows as parameters of one statement, an array for each column:
/// `... FROM unnest($1::text[], $2::bigint[])`.
template <std::size_t Count>
class Columns {
  public:
    void add(std::array<Parameter, Count> row) {
        for (std::size_t i = 0; i < Count; ++i)
            columns_[i].push_back(std::move(row[i]));
    }
    bool empty() const { return columns_[0].empty(); }
    std::array<Parameter, Count> parameters() const {
        std::array<Parameter, Count> out;
        for (std::size_t i = 0; i < Count; ++i)
            out[i] = array_of(columns_[i]);
        return out;
    }

  private:
    std::array<std::vector<Parameter>, Count> columns_{};
};

}  // namespace tranter::postgres
