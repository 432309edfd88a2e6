#include "cli/forward_command.hpp"

#include "admin/forwarder_service.hpp"
#include "base/log.hpp"
#include "base/process_name.hpp"
#include "cli/health_server.hpp"
#include "cli/log_flags.hpp"
#include "cli/ready_notice.hpp"
#include "cli/server_config.hpp"
#include "cli/store_wait.hpp"
#include "providers/forwarder.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

struct ForwardPlan {
    std::string from{};
    std::string to{};
    providers::ForwarderOptions options{};
    HealthServerOptions health{};
    std::optional<int> ready_fd{};
    LogOptions log{};
};

std::string forwarder_name(const Arguments& arguments) {
    if (auto given = arguments.find("name")) return *given;
    return "forward:" + process_name();
}

Result<> read_forward_figures(const Arguments& arguments, ForwardPlan& plan) {
    const auto batch = arguments.integer("batch", {.min = 1, .max = 10'000});
    if (!batch) return std::unexpected(batch.error());
    if (*batch) plan.options.batch_max = static_cast<std::size_t>(**batch);
    const auto lease = arguments.duration("lease");
    if (!lease) return std::unexpected(lease.error());
    if (*lease) {
        if (**lease < std::chrono::seconds(10) || **lease > std::chrono::hours(12)) {
            return fail(Errc::invalid_argument, "--lease: it must be 10s to 12h");
        }
        plan.options.lease = std::chrono::ceil<Milliseconds>(**lease);
    }
    const auto ready_fd = arguments.integer("ready-fd", {.min = 0, .max = 1'048'576});
    if (!ready_fd) return std::unexpected(ready_fd.error());
    if (*ready_fd) plan.ready_fd = static_cast<int>(**ready_fd);
    if (const auto text = arguments.find("health")) {
        const auto endpoint = parse_endpoint(*text);
        if (!endpoint) {
            return fail(Errc::invalid_argument, "--health: " + endpoint.error().message());
        }
        plan.health.endpoint = *endpoint;
    }
    return apply_log_flags(arguments.find("log-format"), arguments.find("log-level"), plan.log);
}

Result<ForwardPlan> read_forward_plan(const Arguments& arguments) {
    for (const std::string_view required : {"queue", "from", "to"}) {
        if (!arguments.text(required).empty()) continue;
        return fail(Errc::invalid_argument, fmt::format("--{} is missing", required));
    }
    ForwardPlan plan{.from = arguments.text("from"), .to = arguments.text("to")};
    plan.options.queue = arguments.text("queue");
    plan.options.to_queue = arguments.text("to-queue");
    plan.options.name = forwarder_name(arguments);
    plan.options.until_empty = arguments.is_on("until-empty");
    const auto without = arguments.list("without");
    plan.options.without_dedup = std::ranges::find(without, "dedup") != without.end();
    plan.options.without_priority = std::ranges::find(without, "priority") != without.end();
    const bool same_queue =
        plan.options.to_queue.empty() || plan.options.to_queue == plan.options.queue;
    if (plan.from == plan.to && same_queue) {
        return fail(
            Errc::invalid_argument, "--from and --to are the same store and queue, expected two"
        );
    }
    if (auto read = read_forward_figures(arguments, plan); !read) {
        return std::unexpected(read.error());
    }
    return plan;
}

Result<std::shared_ptr<Provider>> open_end(
    StoreWait& wait, std::string_view check, std::string_view flag, const std::string& url
) {
    auto opened = wait.provider(check, url, {.create = false});
    if (opened || opened.error().code() == Errc::cancelled) return opened;
    return fail(opened.error().code(), fmt::format("--{}: {}", flag, opened.error().message()));
}

std::vector<admin::StoreConnections> connections_of(const Provider& from, const Provider& to) {
    std::vector<admin::StoreConnections> all;
    if (auto counts = from.connections()) all.push_back({"source", std::move(*counts)});
    if (auto counts = to.connections()) all.push_back({"target", std::move(*counts)});
    return all;
}

Result<int> run_forward(const Arguments& arguments) {
    const auto plan = read_forward_plan(arguments);
    if (!plan) return std::unexpected(plan.error());
    start_logging(plan->log);
    // Before the first thread, so that all of them leave the signals to it.
    const std::stop_token stop = stop_on_signals();
    StoreWait wait(
        {.role = "forward", .up_metric = "tranter_forward_up", .health = plan->health}, stop
    );
    const auto from = open_end(wait, "source", "from", plan->from);
    if (!from) return wait.ended_by(from.error());
    const auto to = open_end(wait, "target", "to", plan->to);
    if (!to) return wait.ended_by(to.error());
    providers::Forwarder forwarder(*from, *to, plan->options);
    const std::string to_queue =
        plan->options.to_queue.empty() ? plan->options.queue : plan->options.to_queue;
    admin::ForwarderService service(
        {.version = TRANTER_VERSION,
         .from = plan->options.queue,
         .to = to_queue,
         .figures = [&forwarder] { return forwarder.figures(); },
         .connections =
             [&from, &to] {
                 return connections_of(**from, **to);
             }},
        SteadyClock::wall_clock()
    );
    const HealthServer::Turn turn(wait.health(), service);
    const std::string listening = wait.health().address();
    log_info(
        "forward",
        "forwarding",
        {{"queue", plan->options.queue},
         {"from", (*from)->name()},
         {"to", (*to)->name()},
         {"to_queue", to_queue},
         {"health", listening}}
    );
    announce_ready(plan->ready_fd, fmt::format("READY health={}\n", listening));
    Result<> done;
    {
        const std::stop_callback stopping(stop, [&service] {
            service.set_draining();
            announce_stopping();
        });
        done = forwarder.run(stop);
    }
    const jobs::ForwardingFigures figures = forwarder.figures();
    log_info(
        "forward",
        "stopped",
        {{"forwarded", figures.forwarded},
         {"duplicates", figures.duplicates},
         {"refused", figures.refused},
         {"released", figures.released}}
    );
    if (!done) return std::unexpected(done.error());
    return 0;
}

}  // namespace

Command forward_command() {
    return {
        .name = "forward",
        .summary = "move the jobs of a queue from one store to another as they come",
        .description =
            "An outbox: programs enqueue into their own database, and this hands the jobs on. A "
            "job "
            "is settled at\nthe source once the target has it, and keeps its id, by which a target "
            "that knows ids has it once. While\nthe target does not answer, jobs are held. SIGTERM "
            "and SIGINT stop it.",
        .options =
            {{.name = "queue", .value = "NAME", .help = "of the source"},
             {.name = "from", .value = "URL", .help = "the store that has the jobs"},
             {.name = "to", .value = "URL", .help = "the store that gets them"},
             {.name = "to-queue", .value = "NAME", .help = "of the target (default: --queue)"},
             {.name = "batch", .value = "N", .help = "jobs at a time (default: 100)"},
             {.name = "lease",
              .value = "DURATION",
              .help = "when another one may try after a crash (default: 60s)"},
             {.name = "without",
              .value = "WHAT",
              .help = "leave this option of jobs behind, for a target that cannot keep it",
              .repeated = true,
              .choices = {"dedup", "priority"}},
             {.name = "until-empty",
              .value = "",
              .help = "end once nothing is due, or with an error when nothing works for a lease"},
             {.name = "name",
              .value = "NAME",
              .help = "shown among the workers of the source (default: forward:HOST:PID)"},
             {.name = "health",
              .value = "ADDR:PORT",
              .help = "where health and metrics listen (default: nowhere)"},
             log_format_option(),
             log_level_option(),
             {.name = "ready-fd",
              .value = "N",
              .help = "write a line to this file descriptor once it works"}},
        .examples =
            {{"from the database of a program to SQS",
              "tranter forward --queue mail --from postgres://db.internal/app --to "
              "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012"},
             {"all that is there, once",
              "tranter forward --queue mail --from file:/var/lib/old --to "
              "http://127.0.0.1:9325 --until-empty"}},
        .run = run_forward,
    };
}

}  // namespace tranter::cli
