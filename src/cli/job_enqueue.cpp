#include "aws/sqs_client.hpp"
#include "base/unicode.hpp"
#include "cli/input.hpp"
#include "cli/job_bulk.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_flags.hpp"
#include "cli/job_record.hpp"
#include "cli/terminal.hpp"
#include "jobs/trace_context.hpp"

#include <tranter/json.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <span>
#include <string_view>

namespace tranter::cli {

namespace {

/// The payload as JSON, from the argument, a file or stdin.
Result<std::string> read_payload_word(const Arguments& arguments) {
    std::string text = arguments.find("PAYLOAD").value_or("null");
    std::string shown = fmt::format("PAYLOAD is {}", in_quotes(text));
    if (names_input(text)) {
        const auto input = Input::open(text);
        if (!input) return std::unexpected(input.error());
        text = read_all(input->fd(), input->name());
        shown = fmt::format("{} is no payload", input->name());
    }
    auto json = ::tranter::Json::parse(text);
    if (json) return json->text();
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "{}, expected JSON like '{{\"to\":\"a@b\"}}' or '\"text\"': {}",
            shown,
            json.error().message()
        )
    );
}

/// The job that the arguments describe.
Result<NewJob> read_job(const Arguments& arguments) {
    auto job = read_job_flags(arguments);
    if (!job) return job;
    const auto type = arguments.find("TYPE");
    if (!type) {
        return fail(
            Errc::invalid_argument, "TYPE is missing, expected the type of the job, or --bulk"
        );
    }
    job->type = *type;
    auto payload = read_payload_word(arguments);
    if (!payload) return std::unexpected(payload.error());
    job->payload = std::move(*payload);
    // Of the command that runs us: a job that enqueues another one with a script stays in its
    // trace.
    const auto said = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string_view(value == nullptr ? "" : value);
    };
    jobs::take_trace(job->options, said("TRACEPARENT"), said("TRACESTATE"));
    if (std::string problem = problem_of(*job); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    return job;
}

Result<int> enqueue_one(JobSession& session, const Arguments& arguments) {
    const auto job = read_job(arguments);
    if (!job) return std::unexpected(job.error());
    const auto wait = find_milliseconds(arguments, "wait");
    if (!wait) return std::unexpected(wait.error());
    session.progress.start("enqueueing");
    const auto answers = session.provider.enqueue(arguments.text("QUEUE"), std::span(&*job, 1));
    if (!answers) return std::unexpected(answers.error());
    const Enqueued& enqueued = answers->front();
    if (!*wait) {
        session.progress.stop();
        Json record;
        record.set("id", enqueued.id);
        if (!enqueued.duplicate_of.empty()) record.set("duplicate_of", enqueued.duplicate_of);
        session.output.one(record);
        return 0;
    }
    session.progress.start("waiting for the job");
    const auto finished = wait_until_finished(session.provider, enqueued.id, *wait);
    session.progress.stop();
    if (!finished) {
        return fail(
            finished.error().code(),
            fmt::format("job {} is enqueued: {}", enqueued.id, finished.error().message())
        );
    }
    session.output.one(job_record(*finished, time_style(session)));
    return exit_status_of(*finished);
}

}  // namespace

Result<int> enqueue_job(JobSession& session, const Arguments& arguments) {
    if (auto checked = aws::check_queue_name(arguments.text("QUEUE")); !checked) {
        return std::unexpected(checked.error());
    }
    if (arguments.is_on("bulk") || arguments.is_on("lines"))
        return enqueue_many(session, arguments);
    if (arguments.has("rate")) {
        return fail(Errc::invalid_argument, "--rate is given without --bulk or --lines");
    }
    return enqueue_one(session, arguments);
}

Command job_enqueue_command() {
    std::vector<Option> options = job_flags();
    const std::vector<Option> own{
        {.name = "wait",
         .value = "DURATION",
         .help = "wait so long until it is finished, and print it with its result"},
        {.name = "bulk",
         .value = "",
         .help = "each line of stdin is a job as the Jobs API takes it"},
        {.name = "lines", .value = "", .help = "each line of stdin is the payload of a job"},
        rate_option(),
        later_store_option(),
    };
    options.insert(options.begin(), own.begin(), own.end());
    return {
        .name = "enqueue",
        .summary = "enqueue a job, or one for each line of stdin",
        .description =
            "PAYLOAD is JSON, '-' for all of stdin or '@FILE' for a file. The queue is made when "
            "it is not\nthere. A line of --bulk is an object like {\"type\":\"mail\",\"payload\":"
            "{},\"delay\":\"5m\"}. What\nis wrong with a line is said, and the others are enqueued "
            "(exit code 7). With --wait the exit\ncode is 1 when the job did not complete, 8 when "
            "it is not finished.",
        .positionals =
            {{.name = "QUEUE", .help = "name of the queue"},
             {.name = "TYPE", .help = "what kind of job it is", .required = false},
             {.name = "PAYLOAD",
              .help = "JSON, '-' or '@FILE' (default: null)",
              .required = false,
              .completes = Completes::files}},
        .options = with_provider_options(std::move(options)),
        .examples =
            {{"a job in five minutes",
              "tranter job enqueue mail email.welcome '{\"user_id\": 42}' --delay 5m"},
             {"for its result",
              "tranter job enqueue reports report.make @report.json --wait 10m -o json | jq "
              ".result"},
             {"a file of jobs, gently", "tranter job enqueue mail --bulk --rate 500 < jobs.ndjson"},
             {"not while one like it waits or runs",
              "tranter job enqueue mail digest --dedup digest-42 --group acme"}},
        .run = in_job_session<enqueue_job, JobSession::NoStore::is_made>,
    };
}

}  // namespace tranter::cli
