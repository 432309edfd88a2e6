#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter db`: the tables in PostgreSQL.
Command db_command();

}  // namespace tranter::cli
