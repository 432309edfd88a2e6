#include "cli/command_tree.hpp"

#include "cli/app_command.hpp"
#include "cli/app_verbs.hpp"
#include "cli/bench_command.hpp"
#include "cli/completion_command.hpp"
#include "cli/config_command.hpp"
#include "cli/daemon_command.hpp"
#include "cli/data_command.hpp"
#include "cli/db_command.hpp"
#include "cli/dlq_command.hpp"
#include "cli/doctor_command.hpp"
#include "cli/forward_command.hpp"
#include "cli/health_command.hpp"
#include "cli/job_command.hpp"
#include "cli/logs_command.hpp"
#include "cli/message_command.hpp"
#include "cli/monit_command.hpp"
#include "cli/ps_command.hpp"
#include "cli/queue_command.hpp"
#include "cli/schedule_command.hpp"
#include "cli/schedule_role.hpp"
#include "cli/serve_command.hpp"
#include "cli/serve_options.hpp"
#include "cli/startup_command.hpp"
#include "cli/terminal.hpp"
#include "cli/top_command.hpp"
#include "cli/up_command.hpp"
#include "cli/work_command.hpp"
#include "cli/worker_command.hpp"

#include <unistd.h>

#include <sstream>

namespace tranter::cli {

namespace {

Result<int> run_serve(const Arguments& arguments) {
    const auto flags = read_serve_flags(arguments);
    if (!flags) return std::unexpected(flags.error());
    return serve(*flags);
}

/// Prints what a config command said and passes its status on. Collected first, because only
/// write_all notices that a pipe was closed.
int print(int status, const std::ostringstream& out, const std::ostringstream& talk) {
    if (!talk.view().empty()) write_all(STDERR_FILENO, talk.view());
    write_all(STDOUT_FILENO, out.view());
    return status;
}

Result<int> run_check(const Arguments& arguments) {
    std::ostringstream out;
    std::ostringstream talk;
    const int status = config_command::check(
        arguments.text("FILE"), arguments.is_on("insecure"), environment_variables(), out, talk
    );
    return print(status, out, talk);
}

Result<int> run_convert(const Arguments& arguments) {
    std::ostringstream out;
    std::ostringstream talk;
    const int status = config_command::convert(arguments.text("FILE"), out, talk);
    return print(status, out, talk);
}

Command serve_command() {
    return {
        .name = "serve",
        .summary = "run the message broker",
        .description =
            "Serves the SQS API, and health, metrics and statistics on a port of their own. "
            "Queues and\nmessages are in memory and are gone when the server ends. SIGTERM and "
            "SIGINT stop it after\nwhat is under way is answered; a second signal stops it at "
            "once.",
        .options = serve_options(),
        .examples =
            {{"on this machine, queues appear when they are used", "tranter serve --auto-create"},
             {"with a file", "tranter serve --config tranter.toml"},
             {"in place of ElasticMQ", "tranter serve --config elasticmq.conf"}},
        .run = run_serve,
    };
}

Command config_group() {
    return {
        .name = "config",
        .summary = "check and convert configuration files",
        .commands =
            {{.name = "check",
              .summary = "say whether serve would start with a file",
              .description = "Reads the file and the TRANTER_* variables as serve does.",
              .positionals =
                  {{.name = "FILE",
                    .help = "tranter.toml or elasticmq.conf",
                    .completes = Completes::files}},
              .options =
                  {{.name = "insecure", .value = "", .help = "as for `tranter serve --insecure`"}},
              .examples = {{"before a restart", "tranter config check tranter.toml"}},
              .run = run_check},
             {.name = "convert",
              .summary = "print an elasticmq.conf as tranter.toml",
              .positionals =
                  {{.name = "FILE", .help = "an elasticmq.conf", .completes = Completes::files}},
              .examples =
                  {{"move from ElasticMQ", "tranter config convert elasticmq.conf > tranter.toml"}},
              .run = run_convert}},
    };
}

}  // namespace

Command command_tree() {
    return {
        .name = "tranter",
        .summary =
            "background jobs and an SQS-compatible message broker, and a command line for both",
        .description =
            "Commands about jobs use http://127.0.0.1:9325 unless --provider, $TRANTER_URL or "
            "--config says\notherwise. Commands about queues and messages use "
            "http://127.0.0.1:9324 unless --endpoint or\n$TRANTER_SQS_URL says otherwise; --aws "
            "means AWS itself.\n\n"
            "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict or not supported,\n"
            "5 unauthorised, 6 unreachable, 7 partial, 8 timeout.",
        .examples =
            {{"start a server", "tranter serve"},
             {"a job, and what became of it",
              "tranter job enqueue mail email.welcome '{\"user_id\": 42}' && tranter job list"},
             {"a message", "tranter queue create q && tranter message send q hello"},
             {"all about one command", "tranter message receive --help"}},
        .commands = {up_command(),       down_command(),      start_command(),
                     stop_command(),     restart_command(),   reload_command(),
                     scale_command(),    delete_command(),    signal_command(),
                     reset_command(),    flush_command(),     reload_logs_command(),
                     save_command(),     resurrect_command(), ps_command(),
                     describe_command(), app_env_command(),   logs_command(),
                     monit_command(),    startup_command(),   unstartup_command(),
                     daemon_command(),   serve_command(),     work_command(),
                     job_command(),      schedule_command(),  timers_command(),
                     queue_command(),    message_command(),   dlq_command(),
                     worker_command(),   forward_command(),   top_command(),
                     doctor_command(),   health_command(),    data_command(),
                     db_command(),       config_group(),      app_command(),
                     bench_command(),    completion_command()},
    };
}

}  // namespace tranter::cli
