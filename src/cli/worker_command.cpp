#include "cli/worker_command.hpp"

#include "cli/job_record.hpp"

namespace tranter::cli {

namespace {

Json worker_row(const WorkerInfo& worker, const TimeStyle& style) {
    Json queues(Json::Array{});
    for (const std::string& queue : worker.queues)
        queues.push(queue);
    Json record;
    record.set("name", worker.name)
        .set("queues", std::move(queues))
        .set("running", worker.running)
        .set("concurrency", worker.concurrency == 0 ? Json() : Json(worker.concurrency))
        .set("last_seen", time_cell(worker.last_seen, style))
        .set("first_seen", time_cell(worker.first_seen, style))
        .set("version", worker.version.empty() ? Json() : Json(worker.version));
    return record;
}

}  // namespace

Result<int> list_workers(JobSession& session, const Arguments& /*arguments*/) {
    session.progress.start("asking for workers");
    const auto workers = session.provider.workers();
    if (!workers) return std::unexpected(workers.error());
    session.progress.stop();
    const TimeStyle style = time_style(session);
    session.output.begin(
        {{"name", "NAME"},
         {"running", "RUNNING"},
         {"concurrency", "CONCURRENCY"},
         {"last_seen", "LAST SEEN"},
         {"first_seen", "FIRST SEEN", true},
         {"version", "VERSION", true},
         {"queues", "QUEUES"}}
    );
    for (const WorkerInfo& worker : *workers)
        session.output.row(worker_row(worker, style));
    session.output.end();
    return 0;
}

Command worker_command() {
    return {
        .name = "worker",
        .summary = "see who works",
        .commands =
            {{.name = "list",
              .summary = "list the workers that a store has heard of lately",
              .description =
                  "A worker is there for ten minutes after it last asked for jobs or renewed a "
                  "lease. `running` counts\nthe jobs whose lease it holds. SQS does not know its "
                  "workers (exit code 4).",
              .options = with_provider_options({}),
              .examples =
                  {{"who does nothing",
                    "tranter worker list -o json | jq -r '.[] | select(.running == 0).name'"}},
              .run = in_job_session<list_workers>}},
    };
}

}  // namespace tranter::cli
