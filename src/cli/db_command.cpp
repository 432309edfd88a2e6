#include "cli/db_command.hpp"

#include "cli/db_commands.hpp"

namespace tranter::cli {

Command db_command() {
    return {
        .name = "db",
        .summary = "the tables in PostgreSQL: versions, roles, adopted tables, maintenance",
        .description =
            "Programs make and migrate their tables themselves where they may. These commands are "
            "for where they\nmay not, and for looking before.",
        .commands =
            {db_migrate_command(),
             db_status_command(),
             db_print_command(),
             db_rollback_command(),
             db_roles_command(),
             db_adopt_command(),
             db_maintain_command()},
    };
}

}  // namespace tranter::cli
