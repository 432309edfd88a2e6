#pragma once

#include <tranter/provider.hpp>

#include <memory>
#include <string_view>

namespace tranter::postgres_jobs {

/// Jobs in a database of PostgreSQL, from any number of processes on any number of machines: what
/// `postgres:` opens. Its tables stand in the schema `tranter` and are made or brought up to date
/// when it is opened. All times are those of the database. `unavailable` when the database does not
/// answer, `invalid_argument` for a URL that is none.
///
/// What a call acknowledged survives a crash of the database as far as its settings allow;
/// synchronous_commit is on here whatever they say, except for hand-outs and renewed leases, for
/// whose sync nobody waits.
[[nodiscard]] Result<std::shared_ptr<Provider>> open_postgres_provider(
    std::string_view url, const ProviderOptions& options
);

}  // namespace tranter::postgres_jobs
