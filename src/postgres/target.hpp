#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::postgres {

/// A database, as libpq wants to be told of it: keywords and values.
using Target = std::vector<std::pair<std::string, std::string>>;

/// True for postgres: and postgresql:.
bool is_postgres_url(std::string_view url);

/// `postgres://user:password@host:port/database?sslmode=verify-full`, with all that libpq knows;
/// see "Connection URIs" of its manual. What only Prisma understands is left out. Later
/// without_secrets() hides the password. `invalid_argument` for a URL that is none, without the
/// URL in it; `unavailable` when libpq is not installed.
[[nodiscard]] Result<Target> parse_target(std::string_view url);

}  // namespace tranter::postgres
