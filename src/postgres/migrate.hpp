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
/// processes may do so at a time. Throws SystemError when they are newer than this program, or
/// older and this user may not change them, and DatabaseError.
void migrate(Connection& connection, std::string_view room, std::span<const Migration> steps);

/// Undoes the steps behind version `to`, newest first, in the transaction that is open:
/// reversals[i] undoes step i + 1. Throws DatabaseError.
void take_back(
    Connection& connection,
    std::string_view room,
    std::span<const Migration> reversals,
    std::size_t to
);

/// What is known of the tables of a room before it is changed.
struct Versions {
    std::size_t from = 0;
    std::size_t to = 0;
};
/// The statements of migrate() for a person to read and run.
std::string migration_script(
    std::string_view room, std::span<const Migration> steps, Versions versions
);
/// Those of take_back(): from the newer to the older.
std::string take_back_script(
    std::string_view room, std::span<const Migration> reversals, Versions versions
);

}  // namespace tranter::postgres
