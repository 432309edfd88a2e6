#include "cli/queue_flow.hpp"

#include "aws/sqs_client.hpp"
#include "base/duration.hpp"
#include "cli/json.hpp"

#include <limits>

namespace tranter::cli {

namespace {

constexpr std::int64_t queue_limit_max = std::numeric_limits<std::uint32_t>::max();

Json stats_record(const QueueStats& stats) {
    Json limits;
    limits.set("max_in_flight", stats.limits.max_in_flight)
        .set("max_in_flight_per_group", stats.limits.max_in_flight_per_group)
        .set("max_queued_per_group", stats.limits.max_queued_per_group)
        .set("fair", stats.limits.fair);
    Json record;
    record.set("queue", stats.queue)
        .set("paused", stats.paused)
        .set("limits", std::move(limits))
        .set("pending", stats.pending)
        .set("scheduled", stats.scheduled)
        .set("processing", stats.processing)
        .set("completed", stats.completed)
        .set("failed", stats.failed)
        .set("dead", stats.dead)
        .set("cancelled", stats.cancelled);
    if (stats.oldest_pending) {
        record.set("oldest_pending", format_duration(*stats.oldest_pending));
    }
    if (!stats.dead_letter_queue.empty()) {
        record.set("dead_letter_queue", stats.dead_letter_queue);
    }
    return record;
}

Result<int> set_paused(JobSession& session, const Arguments& arguments, bool paused) {
    session.progress.start(paused ? "pausing" : "resuming");
    session.output.begin({{"queue", "QUEUE"}, {"paused", "PAUSED"}});
    const std::vector<std::string> queues = arguments.list("QUEUE");
    for (const std::string& queue : queues) {
        if (auto checked = aws::check_queue_name(queue); !checked) {
            return std::unexpected(checked.error());
        }
    }
    for (const std::string& queue : queues) {
        auto done = session.provider.set_paused(queue, paused);
        if (!done) return std::unexpected(done.error());
        Json record;
        record.set("queue", queue).set("paused", paused);
        session.output.row(std::move(record));
    }
    session.progress.stop();
    session.output.end();
    return 0;
}

/// Changes what was given. Returns whether anything was.
Result<bool> read_limits(const Arguments& arguments, QueueLimits& limits) {
    bool changed = false;
    for (const auto& [name, target] : {
             std::pair("max-in-flight", &limits.max_in_flight),
             std::pair("max-in-flight-per-group", &limits.max_in_flight_per_group),
             std::pair("max-queued-per-group", &limits.max_queued_per_group),
         }) {
        const auto given = arguments.integer(name, {.min = 0, .max = queue_limit_max});
        if (!given) return std::unexpected(given.error());
        if (!*given) continue;
        *target = static_cast<std::uint32_t>(**given);
        changed = true;
    }
    if (const auto fair = arguments.find("fair")) {
        limits.fair = *fair == "true";
        changed = true;
    }
    return changed;
}

/// All queues, as they stand.
Result<int> list_stats(JobSession& session) {
    session.progress.start("reading the queues");
    const auto queues = session.provider.queues();
    if (!queues) return std::unexpected(queues.error());
    session.progress.stop();
    session.output.begin(
        {{"queue", "QUEUE"},
         {"paused", "PAUSED"},
         {"pending", "PENDING"},
         {"scheduled", "SCHEDULED"},
         {"processing", "PROCESSING"},
         {"oldest_pending", "OLDEST"},
         {"completed", "COMPLETED", true},
         {"failed", "FAILED", true},
         {"dead", "DEAD", true},
         {"cancelled", "CANCELLED", true},
         {"limits", "LIMITS", true},
         {"dead_letter_queue", "DEAD-LETTER QUEUE", true}}
    );
    for (const QueueStats& stats : *queues) {
        session.output.row(stats_record(stats));
    }
    session.output.end();
    return 0;
}

const Positional queues_argument{
    .name = "QUEUE", .help = "names of queues; made when they are not there", .repeated = true};

}  // namespace

Result<int> pause_queues(JobSession& session, const Arguments& arguments) {
    return set_paused(session, arguments, true);
}

Result<int> resume_queues(JobSession& session, const Arguments& arguments) {
    return set_paused(session, arguments, false);
}

Result<int> limit_queue(JobSession& session, const Arguments& arguments) {
    const std::string queue = arguments.text("QUEUE");
    QueueLimits limits;
    const auto changes = read_limits(arguments, limits);
    if (!changes) return std::unexpected(changes.error());
    if (!arguments.has("QUEUE")) {
        if (!*changes) return list_stats(session);
        return fail(Errc::invalid_argument, "QUEUE is missing, expected the queue to limit");
    }
    if (auto checked = aws::check_queue_name(queue); !checked) {
        return std::unexpected(checked.error());
    }
    session.progress.start("reading the queue");
    auto stats = session.provider.stats(queue);
    const bool missing = !stats && stats.error().code() == Errc::not_found;
    if (!stats && !(missing && *changes)) return std::unexpected(stats.error());
    if (*changes) {
        limits = missing ? QueueLimits{} : stats->limits;
        if (const auto read = read_limits(arguments, limits); !read) {
            return std::unexpected(read.error());
        }
        auto done = session.provider.set_limits(queue, limits);
        if (!done) return std::unexpected(done.error());
        stats = session.provider.stats(queue);
        if (!stats) return std::unexpected(stats.error());
    }
    session.progress.stop();
    session.output.one(stats_record(*stats));
    return 0;
}

Command queue_pause_command() {
    return {
        .name = "pause",
        .summary = "hand out no jobs of queues until they are resumed",
        .description = "Jobs that run go on, and jobs can be enqueued.",
        .positionals = {queues_argument},
        .options = with_provider_options({}),
        .examples = {{"while the mail server is down", "tranter queue pause mail"}},
        .run = in_job_session<pause_queues>,
    };
}

Command queue_resume_command() {
    return {
        .name = "resume",
        .summary = "hand out the jobs of paused queues again",
        .positionals = {queues_argument},
        .options = with_provider_options({}),
        .examples = {{"the mail server is back", "tranter queue resume mail"}},
        .run = in_job_session<resume_queues>,
    };
}

Command queue_limits_command() {
    return {
        .name = "limits",
        .summary = "show and change how many jobs of a queue run and wait",
        .description =
            "What is not given stays as it is; 0 is no limit. Without a limit this only shows the "
            "queue,\nwithout a queue all of them.",
        .positionals = {{.name = "QUEUE", .help = "name of the queue", .required = false}},
        .options = with_provider_options(
            {{.name = "max-in-flight", .value = "N", .help = "jobs that run at a time"},
             {.name = "max-in-flight-per-group", .value = "N", .help = "the same in each group"},
             {.name = "max-queued-per-group",
              .value = "N",
              .help = "jobs of a group that wait; more are refused"},
             {.name = "fair",
              .value = "BOOL",
              .help = "groups take turns (default: true)",
              .choices = {"true", "false"}}}
        ),
        .examples =
            {{"one job of each tenant at a time, five waiting",
              "tranter queue limits mail --max-in-flight-per-group 1 --max-queued-per-group 5"},
             {"how much waits", "tranter queue limits mail -o json | jq .pending"},
             {"and where", "tranter queue limits -o wide"}},
        .run = in_job_session<limit_queue>,
    };
}

}  // namespace tranter::cli
