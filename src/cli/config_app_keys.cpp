#include "cli/config_app_codec.hpp"
#include "cli/config_key_table.hpp"
#include "cli/config_keys.hpp"

#include <array>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 3> restart_names{"never", "on_failure", "always"};
constexpr std::array<std::string_view, 2> type_names{"service", "oneshot"};
constexpr std::int64_t duration_max = 3650 * day;

using supervise::App;
using supervise::Limits;
using supervise::LogRule;
using supervise::Readiness;
using supervise::RestartRule;
using supervise::StopRule;

template <class Codec, auto... members>
constexpr AppKey app_key(std::string_view path, std::string_view meaning) {
    return make_key<AppConfig, Codec, members...>(path, meaning);
}

constexpr AppKey all_app_keys[] = {
    app_key<CommandCodec, &App::command>(
        "command",
        "the program and its arguments; text is divided at blanks outside of quotes, and no shell "
        "reads it"
    ),
    app_key<TextCodec, &AppConfig::role>(
        "role",
        "instead of `command`: `serve`, `work`, `schedule` or `timers` of tranter, with this file"
    ),
    app_key<TextCodec, &App::directory>(
        "directory", "where it runs, relative to this file; empty is beside it"
    ),
    app_key<VariablesCodec, &App::environment>("environment", "variables that are set for it"),
    app_key<BoolCodec, &App::inherits_environment>(
        "inherit_environment", "whether it gets the variables of whoever starts it"
    ),
    app_key<TextsCodec, &App::hidden_variables>(
        "hide_variables", "of those it does not get any whose name has one of these in it"
    ),
    app_key<TextCodec, &App::number_variable>(
        "number_variable", "holds the number of the instance, from 0"
    ),
    app_key<TextCodec, &App::increment_variable>(
        "increment_variable",
        "names a number in `environment` to which each instance adds its own number"
    ),
    app_key<TextCodec, &App::space>("namespace", "a name for several apps, in commands"),
    app_key<NameCodec<type_names>, &App::type>(
        "type", "a `oneshot` is complete when it ends with code 0"
    ),
    app_key<IntegerCodec<1, 10'000>, &App::instances>("instances", "how many of it run"),
    app_key<BoolCodec, &App::starts_by_itself>("autostart", "whether it starts with the others"),
    app_key<DependenciesCodec, &App::depends_on>(
        "depends_on",
        "apps that start before it: names, or tables of `app`, `condition` (`started`, `ready`, "
        "`completed`, `completed_successfully`) and `restart` (with that one)"
    ),
    app_key<NameCodec<restart_names>, &App::restart, &RestartRule::when>(
        "restart.when", "what follows when it ends by itself"
    ),
    app_key<IntegerCodec<0, count_max>, &App::restart, &RestartRule::max>(
        "restart.max",
        "restarts within `restart.window`, then it is `errored`; 0 is no limit, which an app with "
        "a "
        "`role` has unless its table says anything about restarts"
    ),
    app_key<DurationCodec<0, duration_max>, &App::restart, &RestartRule::window>(
        "restart.window", "0s counts ends before `restart.min_uptime` in succession instead"
    ),
    app_key<DurationCodec<0, duration_max>, &App::restart, &RestartRule::delay>(
        "restart.delay", "before a restart"
    ),
    app_key<DurationCodec<0, duration_max>, &App::restart, &RestartRule::delay_max>(
        "restart.delay_max",
        "up to which the wait grows after ends before `restart.min_uptime`; 0s is as "
        "`restart.delay`"
    ),
    app_key<FactorCodec, &App::restart, &RestartRule::factor>(
        "restart.factor", "each wait is so many times the one before"
    ),
    app_key<NumberCodec<0, 1>, &App::restart, &RestartRule::jitter>(
        "restart.jitter", "up to this share of a wait is taken off at random"
    ),
    app_key<DurationCodec<0, duration_max>, &App::restart, &RestartRule::min_uptime>(
        "restart.min_uptime",
        "who lives for so long has started well; who has to be killed (memory, `alive`, not ready) "
        "needs a minute at least"
    ),
    app_key<ExitCodesCodec, &App::restart, &RestartRule::stop_exit_codes>(
        "restart.stop_exit_codes", "it is not restarted after these"
    ),
    app_key<ProbeCodec, &App::readiness, &Readiness::probe>("ready", "when it is ready, see below"),
    app_key<DurationCodec<0, duration_max>, &App::readiness, &Readiness::limit>(
        "ready_limit", "not ready by then is a failed start; 0s is no limit"
    ),
    app_key<ProbeCodec, &App::liveness>("alive", "whether it is still well, see below"),
    app_key<SignalCodec, &App::stop, &StopRule::signal>("stop.signal", "asks it to end"),
    app_key<BoolCodec, &App::stop, &StopRule::leader_only>(
        "stop.leader_only", "the signal goes to the program alone, not to what it has started"
    ),
    app_key<BoolCodec, &App::stop, &StopRule::by_message>(
        "stop.by_message", "node: the message `shutdown` instead of the signal"
    ),
    app_key<DurationCodec<0, duration_max>, &App::stop, &StopRule::timeout>(
        "stop.timeout", "after that everything that is left is killed"
    ),
    app_key<IntegerCodec<0, 1000>, &App::reloads_at_once>(
        "reload_at_once", "instances that a reload replaces at a time; 0 is a restart instead"
    ),
    app_key<TextCodec, &App::restart_cron>("restart_cron", "a cron expression; empty is never"),
    app_key<TextsCodec, &App::watched>(
        "watch.paths",
        "files and folders whose change restarts it; logs and pid files of apps do not count"
    ),
    app_key<TextsCodec, &App::unwatched>(
        "watch.ignore", "patterns of names or paths, or `re:` and a regular expression"
    ),
    app_key<DurationCodec<0, duration_max>, &App::watch_delay>(
        "watch.delay", "changes that follow one another so soon are one"
    ),
    app_key<TextCodec, &App::logs, &LogRule::output>(
        "logs.output",
        "file for what it prints, `{number}` is that of the instance; empty is "
        "`NAME-out.log` in `$TRANTER_HOME/logs`, `/dev/null` is none"
    ),
    app_key<TextCodec, &App::logs, &LogRule::errors>(
        "logs.errors", "the same for its error output, `NAME-error.log`"
    ),
    app_key<TextCodec, &App::logs, &LogRule::combined>(
        "logs.combined", "file for both in addition; empty is none"
    ),
    app_key<SizeCodec<0, storage_max>, &App::logs, &LogRule::bytes_max>(
        "logs.max_size", "of a file, which is then rotated; 0B is any"
    ),
    app_key<IntegerCodec<0, 10'000>, &App::logs, &LogRule::files_max>(
        "logs.max_files", "that were rotated"
    ),
    app_key<DurationCodec<0, duration_max>, &App::logs, &LogRule::age_max>(
        "logs.max_age", "of a file, which is then rotated; 0s is any"
    ),
    app_key<BoolCodec, &App::logs, &LogRule::compress>("logs.compress", "those that were rotated"),
    app_key<BoolCodec, &App::logs, &LogRule::json>("logs.json", "each line as a JSON object"),
    app_key<TextCodec, &App::logs, &LogRule::time_format>(
        "logs.time_format", "of strftime, in front of each line, in local time; empty is no time"
    ),
    app_key<SizeCodec<0, storage_max>, &App::limits, &Limits::memory_bytes>(
        "limits.memory",
        "of all its processes, what they share counted once, over which it is restarted; 0B is no "
        "limit"
    ),
    app_key<IntegerCodec<0, count_max>, &App::limits, &Limits::open_files>(
        "limits.open_files", "of each process; 0 is as tranter's"
    ),
    app_key<IntegerCodec<0, count_max>, &App::limits, &Limits::processes>(
        "limits.processes", "where there are cgroups; 0 is no limit"
    ),
    app_key<NumberCodec<0, 4096>, &App::limits, &Limits::cpus>(
        "limits.cpus", "processors, where there are cgroups; 0 is all"
    ),
    app_key<TextCodec, &App::limits, &Limits::user>(
        "limits.user", "name or number; empty is tranter's, others are for root"
    ),
    app_key<TextCodec, &App::limits, &Limits::group>("limits.group", "the same of its group"),
    app_key<UmaskCodec, &App::limits, &Limits::umask>("limits.umask", "empty is tranter's"),
    app_key<IntegerCodec<-20, 19>, &App::limits, &Limits::nice>("limits.nice", "as of nice(1)"),
    app_key<TextCodec, &App::pid_file>("pid_file", "holds its pid while it runs; empty is none"),
};

}  // namespace

std::span<const AppKey> app_keys() {
    return all_app_keys;
}

}  // namespace tranter::cli
