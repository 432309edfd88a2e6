#pragma once

#include "postgres/connection.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tranter::postgres {

/// Statements that bring the tables of a room from one version to the next, all in the schema
/// `tranter`.
using Migration = std::string_view;

/// What comes before them: makes the schema `tranter` and its table `schema_versions`, which says
/// what `room` has.
std::string first_migration();

/// Of the tables of `room`; 0: there are none. Throws DatabaseError.
std::size_t version_of(Connection& connection, std::string_view room);

/// Brings the tables of `room` to the newest version, all steps in one transaction; several
/// processes may do so at a time. Throws SystemError when they are newer than this program, and
/// DatabaseError.
void migrate(Connection& connection, std::string_view room, std::span<const Migration> steps);

}  // namespace tranter::postgres
