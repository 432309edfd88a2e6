#include "cli/schedule_command.hpp"

#include "cli/schedule_commands.hpp"
#include "cli/schedule_role.hpp"

namespace tranter::cli {

Command schedule_command() {
    return {
        .name = "schedule",
        .summary = "run a scheduler, or manage the jobs that come again and again",
        .description =
            "Without a command it runs: each slot of each schedule becomes one job, however many "
            "schedulers\nrun on the store and whenever they die. Schedules in the file of --config "
            "are made what it says.\nSIGTERM and SIGINT stop it. Jobs for later are `tranter "
            "timers`, or --timers.",
        .options = schedule_role_options(),
        .examples =
            {{"run it", "tranter schedule --config tranter.toml"},
             {"a schedule by hand",
              "tranter schedule add cleanup --every '1 hour' --type cache.cleanup"},
             {"when does it fire",
              "tranter schedule preview --cron '0 9 * * 1-5' --tz Europe/Berlin"}},
        .commands =
            {schedule_add_command(),
             schedule_list_command(),
             schedule_show_command(),
             schedule_edit_command(),
             schedule_pause_command(),
             schedule_resume_command(),
             schedule_run_command(),
             schedule_skip_command(),
             schedule_backfill_command(),
             schedule_remove_command(),
             schedule_preview_command(),
             schedule_explain_command(),
             schedule_import_command(),
             schedule_migrate_command()},
        .run = run_schedule_role,
    };
}

}  // namespace tranter::cli
