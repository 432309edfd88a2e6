#pragma once

#include "base/error.hpp"
#include "sqlite/database.hpp"

#include <optional>
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

/// Removes a database and what stands beside it, as far as that is possible.
void remove_database(const std::string& path);

/// Whether there is such a file, or it cannot be told.
bool may_be_there(const std::string& path);
/// `path` begins the text: `corrupted` when it is damaged, else `unavailable`.
Error error_about(const std::string& path, const DatabaseError& error);

/// What `work()` says of a database that may not be there: nothing then.
template <class Work>
auto about_database(const std::string& path, const Work& work)
    -> Result<std::optional<decltype(work())>> {
    if (!may_be_there(path)) return std::nullopt;
    try {
        return work();
    } catch (const DatabaseError& error) {
        return std::unexpected(error_about(path, error));
    }
}

}  // namespace tranter::sqlite
