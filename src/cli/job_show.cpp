#include "cli/exit_code.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_flags.hpp"
#include "cli/job_record.hpp"
#include "cli/terminal.hpp"
#include "jobs/state_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace tranter::cli {

namespace {

using std::chrono::steady_clock;

// Longer calls end at the time limits of what stands between us and a server.
constexpr Milliseconds wait_slice = std::chrono::seconds(20);
constexpr std::chrono::milliseconds follow_every(500);

/// One job as a record of its own, several as a list.
void print_jobs(JobSession& session, const std::vector<JobRecord>& jobs) {
    const TimeStyle style = time_style(session);
    if (jobs.size() == 1) {
        session.output.one(job_record(jobs.front(), style));
        return;
    }
    session.output.begin(job_columns());
    for (const JobRecord& job : jobs) {
        session.output.row(job_row(job, style));
    }
    session.output.end();
}

/// Prints what a log has beyond its first `printed` lines.
void print_log(JobSession& session, const LogPage& page, bool as_json, std::uint64_t& printed) {
    if (page.dropped > printed) {
        say(fmt::format("{} lines were dropped", page.dropped - printed));
        printed = page.dropped;
    }
    for (std::uint64_t i = printed - page.dropped; i < page.lines.size(); ++i) {
        const std::string& line = page.lines[static_cast<std::size_t>(i)];
        if (as_json) {
            Json record;
            record.set("line", line);
            session.output.row(std::move(record));
        } else {
            session.output.line(line);
        }
    }
    printed = std::max(printed, page.dropped + page.lines.size());
    session.output.flush();
}

}  // namespace

int exit_status_of(const JobRecord& job) {
    return static_cast<int>(job.state == JobState::completed ? ExitCode::ok : ExitCode::failed);
}

Result<JobRecord> wait_until_finished(
    Provider& provider, std::string_view id, std::optional<Milliseconds> limit
) {
    const auto end = steady_clock::now() + limit.value_or(Milliseconds::zero());
    while (true) {
        Milliseconds slice = wait_slice;
        if (limit) {
            const auto left = std::chrono::ceil<Milliseconds>(end - steady_clock::now());
            slice = std::clamp(left, Milliseconds::zero(), wait_slice);
        }
        auto job = provider.wait(id, slice);
        if (job || job.error().code() != Errc::timed_out) return job;
        if (limit && steady_clock::now() >= end) return job;
    }
}

Result<int> show_jobs(JobSession& session, const Arguments& arguments) {
    session.progress.start("reading the job");
    std::vector<JobRecord> jobs;
    for (const std::string& id : arguments.list("ID")) {
        auto job = session.provider.find(id);
        if (!job) return std::unexpected(job.error());
        jobs.push_back(std::move(*job));
    }
    session.progress.stop();
    print_jobs(session, jobs);
    return 0;
}

Result<int> wait_for_jobs(JobSession& session, const Arguments& arguments) {
    auto limit = find_milliseconds(arguments, "timeout");
    if (!limit) return std::unexpected(limit.error());
    const auto begin = steady_clock::now();
    session.progress.start("waiting", arguments.list("ID").size());
    std::vector<JobRecord> jobs;
    int status = 0;
    for (const std::string& id : arguments.list("ID")) {
        std::optional<Milliseconds> left = *limit;
        if (left) {
            const auto spent = std::chrono::ceil<Milliseconds>(steady_clock::now() - begin);
            left = std::max(*left - spent, Milliseconds::zero());
        }
        auto job = wait_until_finished(session.provider, id, left);
        if (!job) return std::unexpected(job.error());
        status = std::max(status, exit_status_of(*job));
        jobs.push_back(std::move(*job));
        session.progress.update(jobs.size());
    }
    session.progress.stop();
    print_jobs(session, jobs);
    return status;
}

Result<int> show_job_log(JobSession& session, const Arguments& arguments) {
    const std::string id = arguments.text("ID");
    const bool follow = arguments.is_on("follow");
    // Text is what one looks for something in; JSON has to be asked for.
    const std::string format = arguments.text("output");
    const bool as_json = format == "json" || format == "ndjson";
    session.progress.start("reading the log");
    std::uint64_t printed = 0;
    while (true) {
        // Looked at before the log: whatever it wrote until it was finished is then printed.
        bool last = !follow;
        if (follow) {
            const auto job = session.provider.find(id);
            if (!job) return std::unexpected(job.error());
            last = jobs::is_finished(job->state);
        }
        const auto page = session.provider.log_of(id);
        if (!page) return std::unexpected(page.error());
        session.progress.stop();
        print_log(session, *page, as_json, printed);
        if (last) break;
        std::this_thread::sleep_for(follow_every);
    }
    if (as_json) session.output.end();
    return 0;
}

Command job_show_command() {
    return {
        .name = "show",
        .summary = "show all that is known of jobs",
        .positionals = {{.name = "ID", .help = "ids of jobs", .repeated = true}},
        .options = with_provider_options({later_store_option()}),
        .examples =
            {{"its state", "tranter job show \"$ID\" -o json | jq -r .state"},
             {"why it failed", "tranter job show \"$ID\" -o json | jq .failures"}},
        .run = in_job_session<show_jobs>,
    };
}

Command job_wait_command() {
    return {
        .name = "wait",
        .summary = "wait until jobs are finished, and show them with their results",
        .description =
            "The exit code is 0 when all completed, 1 when one is dead or cancelled, 8 "
            "when one is not\nfinished in time.",
        .positionals = {{.name = "ID", .help = "ids of jobs", .repeated = true}},
        .options = with_provider_options(
            {{.name = "timeout",
              .value = "DURATION",
              .help = "how long to wait for all of them (default: for ever)"}}
        ),
        .examples = {{"the result", "tranter job wait \"$ID\" --timeout 5m -o json | jq .result"}},
        .run = in_job_session<wait_for_jobs>,
    };
}

Command job_logs_command() {
    return {
        .name = "logs",
        .summary = "print what a job has logged",
        .description = "The lines as they are, or one object a line with -o ndjson.",
        .positionals = {{.name = "ID", .help = "id of the job"}},
        .options = with_provider_options(
            {{.name = "follow",
              .value = "",
              .help = "print what it logs until it is finished",
              .letter = 'f'}}
        ),
        .examples = {{"look on while it runs", "tranter job logs \"$ID\" --follow"}},
        .run = in_job_session<show_job_log>,
    };
}

}  // namespace tranter::cli
