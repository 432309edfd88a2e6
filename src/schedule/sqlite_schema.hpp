#pragma once

#include "base/error.hpp"
#include "sqlite/migrate.hpp"

#include <span>

namespace tranter::schedule {

/// The tables of the store in SQLite. Published steps are never changed.
std::span<const sqlite::Migration> sqlite_migrations();
void migrate_sqlite(sqlite::Database& database);
/// `corrupted` when a newer program has migrated the file since.
Result<> check_sqlite_version(sqlite::Database& database);

}  // namespace tranter::schedule
