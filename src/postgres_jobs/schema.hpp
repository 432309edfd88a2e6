#pragma once

#include "postgres/migrate.hpp"

#include <span>
#include <string_view>

namespace tranter::postgres_jobs {

/// What the tables of jobs are known as in `tranter.schema_versions`.
inline constexpr std::string_view schema_room = "jobs";

/// From nothing to the newest version. A step that was released never changes; functions are
/// replaced by later steps, under the same name only when old workers can go on with them.
std::span<const postgres::Migration> migrations();
/// What undoes each step, at the same position. Jobs that the older tables have no place for go.
std::span<const postgres::Migration> reversals();

}  // namespace tranter::postgres_jobs
