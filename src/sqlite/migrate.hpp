#pragma once

#include "sqlite/database.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace tranter::sqlite {

/// SQL that brings a file from one version to the next.
using Migration = std::string_view;

/// Whose file it is.
struct Owner {
    std::int64_t application_id = 0;  // tells our file from any other database
    std::string_view component{};     // in the log
};

/// Brings the file to the newest version, each step in its own transaction together with the
/// number; several processes may do so at a time. Throws SystemError when the file is newer than
/// this program, belongs to another program or cannot be brought there; DatabaseError when it is
/// damaged.
void migrate(Database& database, const Owner& owner, std::span<const Migration> steps);

}  // namespace tranter::sqlite
