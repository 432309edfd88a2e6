#pragma once

#include "postgres/migrate.hpp"

#include <span>

namespace tranter::schedule {

/// The tables of the store in PostgreSQL. Published steps are never changed.
std::span<const postgres::Migration> postgres_migrations();
/// Throws SystemError and DatabaseError.
void migrate_postgres(postgres::Connection& connection);

}  // namespace tranter::schedule
