#include "cli/schedule_role.hpp"

#include "admin/scheduler_service.hpp"
#include "base/log.hpp"
#include "cli/config_file.hpp"
#include "cli/health_server.hpp"
#include "cli/job_session.hpp"
#include "cli/log_flags.hpp"
#include "cli/ready_notice.hpp"
#include "cli/schedule_commands.hpp"
#include "cli/schedule_session.hpp"
#include "cli/store_wait.hpp"
#include "schedule/registration.hpp"
#include "schedule/scheduler_loop.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

namespace tranter::cli {
namespace {

constexpr std::size_t role_schedules_page = 500;

struct Roles {
    bool recurring = false;
    bool timers = false;
};

Result<> apply_role_span(const Arguments& arguments, std::string_view name, Duration& value) {
    const auto given = arguments.duration(name);
    if (!given) return std::unexpected(given.error());
    if (!*given) return {};
    if (**given < std::chrono::seconds(1) || **given > std::chrono::hours(1)) {
        return fail(Errc::invalid_argument, fmt::format("--{}: it must be 1s to 1h", name));
    }
    value = **given;
    return {};
}

/// Of whichever of the two roles it is.
Result<> apply_role_health(const Arguments& arguments, ServerConfig& config) {
    const auto text = arguments.find("health");
    if (!text) return {};
    const auto endpoint = parse_endpoint(*text);
    if (!endpoint) return fail(Errc::invalid_argument, "--health: " + endpoint.error().message());
    config.scheduler_health = *endpoint;
    config.timers_health = *endpoint;
    config.scheduler_health_enabled = true;
    return {};
}

/// The file, TRANTER_* variables and flags, each of which wins over those before it.
Result<ServerConfig> load_role_config(const Arguments& arguments) {
    auto loaded = load_named_config(arguments);
    if (!loaded) return loaded;
    ServerConfig& config = *loaded;
    if (const auto url = arguments.find("provider")) config.provider = *url;
    if (config.provider.empty()) config.provider = default_provider;
    if (const auto name = arguments.find("name")) config.scheduler.name = *name;
    auto done = apply_role_health(arguments, config);
    if (done) {
        done = apply_role_span(arguments, "poll-interval", config.scheduler.poll_interval);
    }
    if (done) done = apply_role_span(arguments, "lease", config.scheduler.lease);
    if (done) {
        done =
            apply_log_flags(arguments.find("log-format"), arguments.find("log-level"), config.log);
    }
    if (!done) return std::unexpected(done.error());
    return config;
}

std::string_view reconciled_text(schedule::Reconciled what) {
    switch (what) {
        case schedule::Reconciled::made:
            return "made";
        case schedule::Reconciled::changed:
            return "changed";
        case schedule::Reconciled::same:
            break;
    }
    return "same";
}

/// Schedules that an earlier file made and that this one does not name run on, which may not be
/// what was meant.
Result<> tell_of_forgotten(const schedule::Registry& registry, const ServerConfig& config) {
    std::string after;
    while (true) {
        const auto page = registry.store.list(after, role_schedules_page);
        if (!page) return std::unexpected(page.error());
        if (page->empty()) return {};
        after = page->back().definition.name;
        for (const Schedule& schedule : *page) {
            const std::string& name = schedule.definition.name;
            if (schedule.source != ScheduleSource::file ||
                std::ranges::find(config.schedules, name, &ScheduleConfig::name) !=
                    config.schedules.end()) {
                continue;
            }
            log_warn(
                "schedule",
                "a schedule of an earlier file is still there, `tranter schedule remove` ends it",
                {{"schedule", name}}
            );
        }
    }
}

Result<> reconcile_file(const schedule::Registry& registry, const ServerConfig& config) {
    std::vector<ScheduleDefinition> definitions;
    for (const ScheduleConfig& one : config.schedules) {
        auto definition = schedule_definition(one);
        if (!definition) return std::unexpected(definition.error());
        definitions.push_back(std::move(*definition));
    }
    const auto answers = schedule::reconcile_all(
        registry, definitions, ScheduleSource::file, ScheduleSession::now()
    );
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const std::string& name = config.schedules[i].name;
        if (!answers[i]) {
            const Error& error = answers[i].error();
            return fail(error.code(), fmt::format("schedules.{}: {}", name, error.message()));
        }
        log_info(
            "schedule",
            "schedule of the file",
            {{"schedule", name}, {"what", reconciled_text(answers[i]->what)}}
        );
    }
    if (config.schedules.empty()) return {};
    return tell_of_forgotten(registry, config);
}

SchedulerOptions role_options(const SchedulerConfig& config, const Roles& roles) {
    return {
        .recurring = roles.recurring,
        .timers = roles.timers,
        .name = config.name,
        .poll_interval = std::chrono::ceil<Milliseconds>(config.poll_interval),
        .lease = std::chrono::ceil<Milliseconds>(config.lease),
        .keep_runs = std::chrono::ceil<Milliseconds>(config.keep_runs)};
}

admin::SchedulerServiceOptions service_options(
    const schedule::SchedulerLoop& loop, const SchedulerConfig& config, const Roles& roles
) {
    return {
        .version = TRANTER_VERSION,
        .scheduler = loop.name(),
        .recurring = roles.recurring,
        .timers = roles.timers,
        .late_after = std::chrono::ceil<Milliseconds>(config.late_after),
        .metrics = [&loop] { return loop.metrics(); },
        .health =
            [&loop] {
                return loop.health();
            }};
}

/// Several schedulers on one machine are as usual as one, so the address that nobody chose may be
/// another one's.
HealthServerOptions health_of_role(const ServerConfig& config, const Roles& roles) {
    if (!config.scheduler_health_enabled) return {};
    const Endpoint& endpoint = roles.recurring ? config.scheduler_health : config.timers_health;
    const Endpoint usual = roles.recurring ? default_scheduler_health() : default_timers_health();
    return {.endpoint = endpoint, .may_move = endpoint == usual};
}

struct RoleStores {
    std::shared_ptr<schedule::ScheduleStore> schedules{};
    std::shared_ptr<Provider> jobs{};
};

Result<RoleStores> open_role_stores(
    StoreWait& wait, const std::string& store_url, const std::string& provider_url
) {
    RoleStores stores;
    auto schedules =
        wait.opened("store", store_url, [&] { return schedule::open_store(store_url); });
    if (!schedules) return std::unexpected(schedules.error());
    stores.schedules = std::move(*schedules);
    auto jobs = wait.provider("provider", provider_url, {.create = false});
    if (!jobs) return std::unexpected(jobs.error());
    stores.jobs = std::move(*jobs);
    return stores;
}

/// Until the stop.
void run_loop(
    schedule::SchedulerLoop& loop,
    HealthServer& health,
    admin::SchedulerService& service,
    std::optional<int> ready_fd,
    const std::stop_token& stop
) {
    const HealthServer::Turn turn(health, service);
    const std::string listening = health.address();
    log_info("schedule", "listening", {{"scheduler", loop.name()}, {"health", listening}});
    announce_ready(ready_fd, fmt::format("READY scheduler={} health={}\n", loop.name(), listening));
    const std::stop_callback stopping(stop, [&service] {
        service.set_draining();
        announce_stopping();
    });
    loop.run(stop);
}

Result<int> run_roles(const Arguments& arguments, const Roles& roles) {
    const auto config = load_role_config(arguments);
    if (!config) return std::unexpected(config.error());
    const auto ready_fd = arguments.integer("ready-fd", {.min = 0, .max = 1'048'576});
    if (!ready_fd) return std::unexpected(ready_fd.error());
    const auto store_url = choose_schedule_store(arguments, *config);
    if (!store_url) return std::unexpected(store_url.error());
    start_logging(config->log);
    // Before the first thread, so that all of them leave the signals to it.
    const std::stop_token stop = stop_on_signals();

    StoreWait wait(
        {.role = "schedule",
         .up_metric = "tranter_scheduler_up",
         .health = health_of_role(*config, roles)},
        stop
    );
    const auto stores = open_role_stores(wait, *store_url, config->provider);
    if (!stores) return wait.ended_by(stores.error());
    schedule::SchedulerLoop loop(
        stores->schedules, stores->jobs, role_options(config->scheduler, roles)
    );
    if (roles.recurring) {
        const schedule::Registry registry{.store = *stores->schedules, .zones = loop.zones()};
        const auto done =
            wait.opened("store", *store_url, [&] { return reconcile_file(registry, *config); });
        if (!done) return wait.ended_by(done.error());
    }
    admin::SchedulerService service(
        service_options(loop, config->scheduler, roles), SteadyClock::wall_clock()
    );
    std::optional<int> notice;
    if (*ready_fd) notice = static_cast<int>(**ready_fd);
    run_loop(loop, wait.health(), service, notice, stop);
    log_info("schedule", "stopped");
    return 0;
}

Result<int> run_timers(const Arguments& arguments) {
    return run_roles(arguments, {.timers = true});
}

std::vector<Option> role_flags() {
    return {
        {.name = "config",
         .value = "FILE",
         .help = "tranter.toml with the schedules",
         .completes = Completes::files},
        provider_option(),
        schedule_store_option(),
        {.name = "name", .value = "NAME", .help = "shown in the log (default: HOST:PID)"},
        {.name = "poll-interval",
         .value = "DURATION",
         .help = "the longest sleep when nothing wakes it (default: 60s)"},
        {.name = "lease",
         .value = "DURATION",
         .help = "another takes over after so long without a sign of life (default: 10s)"},
        {.name = "health",
         .value = "ADDR:PORT",
         .help = "where health and metrics listen (default: 127.0.0.1:3004, of timers 3005, or any "
                 "free port when that is taken)"},
        log_format_option(),
        log_level_option(),
        {.name = "ready-fd",
         .value = "N",
         .help = "write a line to this file descriptor once it works"},
    };
}

}  // namespace

Result<int> run_schedule_role(const Arguments& arguments) {
    return run_roles(arguments, {.recurring = true, .timers = arguments.is_on("timers")});
}

std::vector<Option> schedule_role_options() {
    std::vector<Option> options = role_flags();
    options.push_back(
        {.name = "timers", .value = "", .help = "enqueue jobs for later too, as `tranter timers`"}
    );
    return options;
}

Command timers_command() {
    return {
        .name = "timers",
        .summary = "run a scheduler of jobs for later, or look after these",
        .description =
            "Without a command it runs: each job is enqueued at its time. Programs put jobs for "
            "later into the\nstore of schedules (Scheduler::schedule), and so does what enqueues "
            "for longer than a provider can\ndelay (`tranter job enqueue --store`). Any number may "
            "run. SIGTERM and SIGINT stop it.",
        .options = role_flags(),
        .examples =
            {{"of a server on this machine", "tranter timers --store file:/var/lib/tranter"},
             {"what waits", "tranter timers list"}},
        .commands =
            {timers_list_command(),
             timers_show_command(),
             timers_cancel_command(),
             timers_move_command()},
        .run = run_timers,
    };
}

}  // namespace tranter::cli
