#pragma once

#include "base/error.hpp"
#include "postgres/migrate.hpp"

#include <cstddef>
#include <span>

namespace tranter::schedule {

/// The tables of the store in PostgreSQL. Published steps are never changed.
std::span<const postgres::Migration> postgres_migrations();
/// Throws SystemError and DatabaseError.
void migrate_postgres(postgres::Connection& connection);
/// 0: there are none. Throws DatabaseError.
std::size_t postgres_version(postgres::Connection& connection);
/// `corrupted` when a newer program has migrated the tables since. Throws DatabaseError.
Result<> check_postgres_version(postgres::Connection& connection);

}  // namespace tranter::schedule
