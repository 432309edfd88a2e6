#pragma once

#include <string_view>

namespace tranter::postgres_jobs {

/// Statements that make the roles below and give them what they need and nothing else; the same
/// again changes nothing. To be run by the owner of the schema, who has to have CREATEROLE where
/// the roles are not there yet.
///
///     tranter_producer   calls tranter.enqueue, enqueue_many and enqueue_answered, and sees no
///     table tranter_worker     everything that a provider and a scheduler do, but no DDL
///     tranter_readonly   reads tables
///
/// None of them can log in: they are granted to users.
std::string_view role_statements();
/// The part of it that later tables and functions need again.
std::string_view grant_statements();

}  // namespace tranter::postgres_jobs
