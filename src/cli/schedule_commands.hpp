#pragma once

#include "cli/args.hpp"

/// The commands below `tranter schedule` and `tranter timers`.
namespace tranter::cli {

Command schedule_add_command();
Command schedule_edit_command();
Command schedule_list_command();
Command schedule_show_command();
Command schedule_pause_command();
Command schedule_resume_command();
Command schedule_run_command();
Command schedule_skip_command();
Command schedule_backfill_command();
Command schedule_remove_command();
Command schedule_import_command();
Command schedule_migrate_command();
Command schedule_preview_command();
Command schedule_explain_command();

Command timers_list_command();
Command timers_show_command();
Command timers_cancel_command();
Command timers_move_command();

}  // namespace tranter::cli
