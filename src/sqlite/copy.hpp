#pragma once

#include "sqlite/database.hpp"

#include <string>

namespace tranter::sqlite {

/// A database that somebody may be writing to, to be read only: neither the file nor what stands
/// beside it is changed, also when nobody has it open. Throws DatabaseError.
Database look_at_database(const std::string& path);

/// Reads all of it. Throws DatabaseError, of damage when it finds some.
void check_database(Database& database);

/// Makes `to`, which is not there yet, a copy of `from` as it was at some moment during the call,
/// without holding up who writes to it. The copy is one file, checked and on the disk; its folder
/// is the caller's to sync. When it throws DatabaseError something of the copy may be left.
void copy_database(const std::string& from, const std::string& to);

}  // namespace tranter::sqlite
