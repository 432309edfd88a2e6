#pragma once

#include "base/error.hpp"
#include "postgres/migrate.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace tranter::schedule {

/// What they are known as in `tranter.schema_versions`.
inline constexpr std::string_view postgres_room = "schedule";

/// The tables of the store in PostgreSQL. Published steps are never changed.
std::span<const postgres::Migration> postgres_migrations();
/// What undoes each step, at the same position.
std::span<const postgres::Migration> postgres_reversals();
/// Throws SystemError and DatabaseError.
void migrate_postgres(postgres::Connection& connection);
/// 0: there are none. Throws DatabaseError.
std::size_t postgres_version(postgres::Connection& connection);
/// `corrupted` when a newer program has migrated the tables since. Throws DatabaseError.
Result<> check_postgres_version(postgres::Connection& connection);

}  // namespace tranter::schedule
