#pragma once

#include "history/database.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace tranter::history {

/// SQL that brings a file from one version to the next.
using Migration = std::string_view;

/// Number n brings a file from version n to n + 1; a new file has version 0. Published ones are
/// never changed.
std::span<const Migration> migrations();

/// Brings the file to the newest version, each step in its own transaction together with the
/// number. Throws SystemError when the file is newer than this program, belongs to another program
/// or cannot be brought there; DatabaseError when it is damaged.
void migrate(Database& database, std::span<const Migration> steps);

}  // namespace tranter::history
