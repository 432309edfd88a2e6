#pragma once

#include "cli/args.hpp"

/// The commands below `tranter db`.
namespace tranter::cli {

Command db_migrate_command();
Command db_status_command();
Command db_print_command();
Command db_rollback_command();
Command db_roles_command();
Command db_adopt_command();
Command db_maintain_command();

}  // namespace tranter::cli
