#include "supervise/running_process.hpp"

#include "base/log.hpp"
#include "process/descriptor.hpp"
#include "process/environment.hpp"
#include "process/identity.hpp"
#include "process/process_stat.hpp"
#include "supervise/file_access.hpp"
#include "supervise/instance_environment.hpp"
#include "supervise/numbered.hpp"
#include "supervise/pid_file.hpp"

#include <chrono>
#include <csignal>
#include <utility>

namespace tranter::supervise {
namespace {

/// Names of apps are anybody's, those of folders are not.
std::string folder_name(const InstanceId& id) {
    std::string out;
    for (const char c : id.app) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_';
        out += is_plain ? c : '_';
    }
    constexpr std::size_t name_max = 100;
    return out.substr(0, name_max) + "-" + std::to_string(id.number);
}

/// What a control group alone can do.
bool needs_leaf(const Limits& limits) {
    return limits.processes > 0 || limits.cpus > 0;
}

}  // namespace

RunningProcess::RunningProcess(Options options, Listener& listener)
    : options_(std::move(options)), id_(options_.id), listener_(listener) {
    if (app().pid_file.empty() || is_no_file(app().pid_file)) return;
    pid_path_ = numbered(app().pid_file, options_.number);
    pid_lane_ = options_.writer.work().lane_of(pid_path_);
}

RunningProcess::~RunningProcess() {
    if (is_watched_) options_.loop.unwatch(keeper_->descriptor());
    if (leader_ != 0) remove_pid_file();
}

Result<std::unique_ptr<RunningProcess>> RunningProcess::start(Options options, Listener& listener) {
    std::unique_ptr<RunningProcess> process(new RunningProcess(std::move(options), listener));
    if (auto launched = process->launch(); !launched) return std::unexpected(launched.error());
    return process;
}

Result<> RunningProcess::launch() {
    auto program = describe();
    if (!program) return std::unexpected(std::move(program.error()));
    auto output = process::Pipe::make();
    auto errors = process::Pipe::make();
    if (!output || !errors) return std::unexpected(std::move((output ? errors : output).error()));
    program->output = output->write.get();
    program->errors = errors->write.get();
    if (auto made = make_probing(); !made) return made;
    probing_->prepare(*program);
    make_leaf(*program);
    auto keeper = Keeper::start(*program, app().stop.signal);
    if (!keeper) return std::unexpected(std::move(keeper.error()));
    keeper_.emplace(std::move(*keeper));
    meter_.emplace(keeper_->pid(), options_.loop.now());
    read_output(output_, std::move(output->read), false);
    read_output(errors_, std::move(errors->read), true);
    options_.loop.watch(keeper_->descriptor(), [this] { take_reports(); });
    is_watched_ = true;
    return {};
}

Result<process::SpawnOptions> RunningProcess::describe() const {
    const App& app = *options_.app;
    process::SpawnOptions program;
    program.command = app.command;
    program.directory = app.directory;
    program.limits.open_files = app.limits.open_files;
    program.limits.open_files_soft = options_.open_files;
    program.umask = app.limits.umask;
    program.nice = app.limits.nice;
    if (!app.limits.user.empty() || !app.limits.group.empty()) {
        auto identity = process::find_identity(app.limits.user, app.limits.group);
        if (!identity) return std::unexpected(std::move(identity.error()));
        program.identity = std::move(*identity);
    }
    program.environment = environment_of(app, options_.number, options_.key, program.identity);
    process::set_variable(program.environment, supervisor_variable, options_.runtime_directory);
    return program;
}

Result<> RunningProcess::make_probing() {
    auto made = Probing::make(
        {.loop = options_.loop,
         .app = *options_.app,
         .number = options_.number,
         .runtime_directory = options_.runtime_directory},
        {.ready = [this] { listener_.became_ready(id_); },
         .failed = [this](const std::string& why) { listener_.failed_probe(id_, why); },
         .status = [this](std::string_view text) { listener_.said_status(id_, text); },
         .more_time =
             [this](Duration more) {
                 listener_.asked_for_time(id_, more);
             }}
    );
    if (!made) return std::unexpected(std::move(made.error()));
    probing_ = std::move(*made);
    return {};
}

/// Without limits, or without one at all, it runs all the same.
void RunningProcess::make_leaf(process::SpawnOptions& program) {
    Limits limits = options_.app->limits;
    // Who is over the limit is asked to end. The kernel, which does not ask, is for those that grow
    // faster than we measure.
    limits.memory_bytes += limits.memory_bytes / 4;
    const std::string name = folder_name(options_.id);
    std::string reason = "there is no cgroup v2 tree that we may write to";
    if (*options_.cgroups) {
        auto made = (*options_.cgroups)->make(name, limits);
        if (!made) {
            reason = made.error().message();
            made = (*options_.cgroups)->make(name, {});
        } else {
            reason.clear();
        }
        if (made) leaf_ = std::move(*made);
    }
    if (leaf_) program.cgroup_procs = leaf_->procs_path();
    if (reason.empty() || !needs_leaf(limits)) return;
    log_warn(
        "supervise",
        "limits of processors and processes are not set",
        {{"app", options_.id.app}, {"reason", reason}}
    );
}

void RunningProcess::read_output(
    std::unique_ptr<OutputReader>& reader, Descriptor pipe, bool is_errors
) {
    const App& app = *options_.app;
    OutputLines::Options lines{
        .app = app.name,
        .number = options_.number,
        .is_errors = is_errors,
        .json = app.logs.json,
        .time_format = app.logs.time_format};
    if (app.readiness.probe.kind == Probe::Kind::log_line) {
        lines.see = [this](std::string_view line) {
            if (probing_) probing_->see_line(line);
        };
    }
    OutputReader::Options options{
        .loop = options_.loop,
        .writer = options_.writer,
        .targets = options_.logs.targets(is_errors),
        .lines = std::move(lines),
        .taken = [this, is_errors](std::string_view text) {
            listener_.printed(id_, is_errors, text);
        }};
    reader = std::make_unique<OutputReader>(std::move(options), std::move(pipe));
}

void RunningProcess::follow(const Action& action) {
    switch (action.kind) {
        case Action::Kind::spawn:
            break;
        case Action::Kind::signal_group:
            return keeper_->tell(Keeper::Order::signal_group, action.signal);
        case Action::Kind::signal_leader:
            return keeper_->tell(Keeper::Order::signal_leader, action.signal);
        case Action::Kind::send_shutdown:
            // Whoever cannot be told by a message is told by the signal.
            if (probing_ && probing_->send_shutdown()) return;
            return keeper_->tell(
                app().stop.leader_only ? Keeper::Order::signal_leader : Keeper::Order::signal_group,
                app().stop.signal
            );
        case Action::Kind::kill_all:
            return kill_all();
        case Action::Kind::watch_readiness:
            if (probing_) probing_->watch_readiness();
            break;
        case Action::Kind::watch_liveness:
            if (probing_) probing_->watch_liveness();
            break;
        case Action::Kind::unwatch:
            if (probing_) probing_->unwatch();
            break;
    }
}

bool RunningProcess::has_keeper_ended() const {
    const auto stat = process::read_stat(keeper_->pid());
    return !stat || stat->state == 'Z';
}

void RunningProcess::move(std::uint32_t number) {
    id_.number = number;
    // Whoever had that number meanwhile may have written its own.
    if (leader_ != 0 && number == options_.number) write_pid_file();
}

void RunningProcess::kill_all() {
    if (leaf_) leaf_->kill_all();
    if (is_over_) return;
    keeper_->tell(Keeper::Order::kill_all);
    // Somebody may have stopped it.
    ::kill(keeper_->pid(), SIGCONT);
}

void RunningProcess::take_reports() {
    // After its last word it can only have ended.
    if (is_over_) {
        options_.loop.unwatch(keeper_->descriptor());
        is_watched_ = false;
        return listener_.keeper_ended(*this);
    }
    while (const auto report = keeper_->read())
        take(*report);
}

void RunningProcess::take(const Keeper::Report& report) {
    using Kind = Keeper::Report::Kind;
    switch (report.kind) {
        case Kind::spawned:
            leader_ = report.pid;
            was_spawned_ = true;
            write_pid_file();
            probing_->spawned(leader_);
            break;
        case Kind::ended:
            remove_pid_file();
            leader_ = 0;
            break;
        case Kind::not_spawned:
        case Kind::all_gone:
            is_over_ = true;
            finish();
            break;
        case Kind::lost:
            is_over_ = true;
            remove_pid_file();
            leader_ = 0;
            break;
    }
    listener_.reported(*this, report);
}

void RunningProcess::finish() {
    probing_.reset();
    leaf_.reset();
    output_->finish();
    errors_->finish();
}

/// Waited for, so that it is there when the app is ready and gone when it has ended; but not for a
/// disk that hangs.
void RunningProcess::do_with_pid_file(FileWork::Work work) {
    constexpr Duration patience = std::chrono::milliseconds(200);
    if (pid_lane_) options_.writer.work().post_and_wait(pid_lane_, std::move(work), patience);
}

void RunningProcess::write_pid_file() {
    const FileOwner owner{.user = app().limits.user, .group = app().limits.group};
    do_with_pid_file([path = pid_path_, pid = leader_, owner, name = id().app](const auto&) {
        Result<> written;
        const auto who = FileAccess::find_owner(owner);
        if (who) written = supervise::write_pid_file(path, pid, *who);
        if (who && written) return;
        log_warn(
            "supervise",
            "a pid file is not written",
            {{"app", name}, {"reason", (who ? written.error() : who.error()).message()}}
        );
    });
}

void RunningProcess::remove_pid_file() {
    const FileOwner owner{.user = app().limits.user, .group = app().limits.group};
    do_with_pid_file([path = pid_path_, pid = leader_, owner](const auto&) {
        if (const auto who = FileAccess::find_owner(owner))
            supervise::remove_pid_file(path, pid, *who);
    });
}

}  // namespace tranter::supervise
