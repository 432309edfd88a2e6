#pragma once

#include "history/database.hpp"
#include "sqlite/migrate.hpp"

#include <span>

namespace tranter::history {

using sqlite::Migration;

/// Number n brings a file from version n to n + 1; a new file has version 0. Published ones are
/// never changed.
std::span<const Migration> migrations();

/// As sqlite::migrate().
void migrate(Database& database, std::span<const Migration> steps);

}  // namespace tranter::history
