#include "cli/data_command.hpp"

#include "cli/data_actions.hpp"
#include "cli/data_files.hpp"

namespace tranter::cli {
namespace {

Positional directory() {
    return {.name = "DIR", .help = "a data directory of serve", .completes = Completes::files};
}

Command verify_command() {
    return {
        .name = "verify",
        .summary = "read every record and check it",
        .description =
            "Exits with 1 when anything is damaged. A torn tail, which a crash leaves, is no "
            "damage.",
        .positionals = {directory()},
        .options = data_options(),
        .examples = {{"before trusting a copy", "tranter data verify /backup/tranter"}},
        .run = verify_data,
    };
}

Command dump_command() {
    return {
        .name = "dump",
        .summary = "print every record",
        .positionals = {directory()},
        .options =
            {{.name = "bodies", .value = "", .help = "print whole bodies, not their beginnings"},
             {.name = "output",
              .value = "FORMAT",
              .help = "how to print (default: ndjson)",
              .letter = 'o',
              .choices = {"table", "json", "ndjson"}}},
        .examples =
            {{"what happened to one queue",
              "tranter data dump /var/lib/tranter | jq 'select(.queue == 3)'"}},
        .run = dump_data,
    };
}

Command stat_command() {
    return {
        .name = "stat",
        .summary = "show how large a store is and what its queues hold",
        .positionals = {directory()},
        .options = data_options(),
        .examples = {{"at a glance", "tranter data stat /var/lib/tranter -o table"}},
        .run = stat_data,
    };
}

Command compact_command() {
    return {
        .name = "compact",
        .summary = "give back the space of messages that are gone",
        .description = "The server must be stopped; while it runs it compacts by itself.",
        .positionals = {directory()},
        .options = data_options(
            {{.name = "force", .value = "", .help = "every old segment, worth it or not"}}
        ),
        .examples = {{"before a copy", "tranter data compact /var/lib/tranter --force"}},
        .run = compact_data,
    };
}

Command backup_command() {
    return {
        .name = "backup",
        .summary = "copy a store, also while a server runs on it",
        .description =
            "The copy holds everything that was acknowledged before the command began, and the "
            "finished jobs.\nIt is verified, and a server starts from it. The server is not held "
            "up.",
        .positionals =
            {directory(),
             {.name = "TARGET",
              .help = "a directory that is empty or does not exist",
              .completes = Completes::files}},
        .options = data_options(),
        .examples =
            {{"every night", "tranter data backup /var/lib/tranter /backup/tranter-$(date +%F)"}},
        .run = backup_data,
    };
}

Command repair_command() {
    return {
        .name = "repair",
        .summary = "save what is intact of a damaged store and list what was lost",
        .description =
            "Damaged segments stay beside the others as NAME.damaged, after a second repair also as"
            "\nNAME.damaged.2, and so on. `tranter serve --repair` does the same before it starts.",
        .positionals = {directory()},
        .options = data_options(),
        .examples =
            {{"when serve names a damaged segment and there is no backup",
              "tranter data repair /var/lib/tranter"}},
        .run = repair_data,
    };
}

}  // namespace

Command data_command() {
    return {
        .name = "data",
        .summary = "look at, check, copy and mend a data directory",
        .commands =
            {verify_command(),
             stat_command(),
             dump_command(),
             backup_command(),
             compact_command(),
             repair_command()},
    };
}

}  // namespace tranter::cli
