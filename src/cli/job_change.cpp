#include "cli/bulk.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_record.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <utility>

namespace tranter::cli {

namespace {

constexpr std::size_t page_jobs = 1000;

/// What cancel, retry and promote differ in.
struct Change {
    std::string_view verb;
    /// What became of the job, for people.
    Result<std::string_view> (*apply)(Provider& provider, std::string_view id);
    /// What --filter means when it says nothing of states.
    std::string_view states;
};

Result<std::string_view> cancel_one(Provider& provider, std::string_view id) {
    const auto cancelled = provider.cancel(id);
    if (!cancelled) return std::unexpected(cancelled.error());
    return *cancelled == Cancelled::removed ? "cancelled" : "requested";
}

Result<std::string_view> retry_one(Provider& provider, std::string_view id) {
    const auto done = provider.retry(id);
    if (!done) return std::unexpected(done.error());
    return "retried";
}

Result<std::string_view> promote_one(Provider& provider, std::string_view id) {
    const auto done = provider.promote(id);
    if (!done) return std::unexpected(done.error());
    return "promoted";
}

constexpr Change cancelling{"cancel", cancel_one, "state:pending,scheduled,processing,failed"};
constexpr Change retrying{"retry", retry_one, "state:failed,dead"};
constexpr Change promoting{"promote", promote_one, "state:scheduled,failed"};

/// All of them, before the first is changed: a change moves what follows to other pages.
Result<std::vector<JobRecord>> find_all(JobSession& session, const std::string& filter) {
    std::vector<JobRecord> found;
    ListRequest request{.filter = filter, .jobs_max = page_jobs};
    do {
        auto page = session.provider.list(request);
        if (!page) return std::unexpected(page.error());
        for (JobRecord& job : page->jobs) {
            job.payload.clear();
            job.result.clear();
            found.push_back(std::move(job));
        }
        request.cursor = page->next;
        session.progress.update(found.size());
    } while (!request.cursor.empty());
    return found;
}

Result<std::vector<std::string>> ids_of_filter(
    JobSession& session, const Arguments& arguments, const Change& change
) {
    std::string filter = job_filter(arguments);
    if (filter.find("state:") == std::string::npos) {
        filter += filter.empty() ? "" : " ";
        filter += change.states;
    }
    session.progress.start("finding jobs");
    const auto found = find_all(session, filter);
    session.progress.stop();
    if (!found) return std::unexpected(found.error());
    std::vector<std::string> ids;
    for (const JobRecord& job : *found) {
        ids.push_back(job.id);
    }
    if (arguments.is_on("dry-run") || ids.empty()) return ids;
    auto confirmed =
        confirm(arguments, fmt::format("{} {} jobs ({})?", change.verb, ids.size(), filter));
    if (!confirmed) return std::unexpected(confirmed.error());
    return ids;
}

bool has_filter(const Arguments& arguments) {
    for (const Option& option : job_filter_options()) {
        if (arguments.has(option.name)) return true;
    }
    return false;
}

Result<std::vector<std::string>> chosen_ids(
    JobSession& session, const Arguments& arguments, const Change& change
) {
    std::vector<std::string> ids = arguments.list("ID");
    const bool filtered = has_filter(arguments);
    if (!ids.empty() && filtered) {
        return fail(Errc::invalid_argument, "ids and a filter are both given, expected one");
    }
    if (!ids.empty()) return ids;
    if (filtered) return ids_of_filter(session, arguments, change);
    return fail(
        Errc::invalid_argument, "no jobs are named, expected ids or a filter like --queue NAME"
    );
}

Result<int> change_jobs(JobSession& session, const Arguments& arguments, const Change& change) {
    const auto pace = read_pace(arguments);
    if (!pace) return std::unexpected(pace.error());
    const auto ids = chosen_ids(session, arguments, change);
    if (!ids) return std::unexpected(ids.error());
    const bool dry_run = arguments.is_on("dry-run");
    session.output.begin({{"id", "ID"}, {"result", "RESULT"}});
    session.progress.start(change.verb, ids->size());
    Refusals refusals(session.progress);
    std::uint64_t done = 0;
    for (const std::string& id : *ids) {
        Json record;
        record.set("id", id);
        if (dry_run) {
            session.output.row(std::move(record.set("result", fmt::format("would {}", change.verb)))
            );
            continue;
        }
        pace->keep(done + refusals.count());
        const auto result = change.apply(session.provider, id);
        if (result) {
            ++done;
            session.output.row(std::move(record.set("result", *result)));
        } else if (concerns_one(result.error().code())) {
            refusals.add(fmt::format("job {}", id), result.error());
        } else {
            if (done > 0) session.output.end();
            return std::unexpected(result.error());
        }
        session.progress.update(done + refusals.count());
    }
    session.progress.stop();
    if (done > 0 || refusals.count() == 0) session.output.end();
    return refusals.exit_status(done);
}

Command change_command(const Change& change, Action run) {
    std::vector<Option> options = job_filter_options();
    const std::vector<Option> own{
        {.name = "yes",
         .value = "",
         .help = "do not ask before changing what a filter finds",
         .letter = 'y'},
        {.name = "dry-run", .value = "", .help = "only say which jobs it would be"},
        rate_option(),
        later_store_option(),
    };
    options.insert(options.end(), own.begin(), own.end());
    return {
        .name = change.verb,
        .summary = {},
        .positionals = {{.name = "ID", .help = "ids of jobs", .required = false, .repeated = true}},
        .options = with_provider_options(std::move(options)),
        .run = run,
    };
}

}  // namespace

Result<int> cancel_jobs(JobSession& session, const Arguments& arguments) {
    return change_jobs(session, arguments, cancelling);
}

Result<int> retry_jobs(JobSession& session, const Arguments& arguments) {
    return change_jobs(session, arguments, retrying);
}

Result<int> promote_jobs(JobSession& session, const Arguments& arguments) {
    return change_jobs(session, arguments, promoting);
}

Command job_cancel_command() {
    Command command = change_command(cancelling, in_job_session<cancel_jobs>);
    command.summary = "cancel jobs, also running ones";
    command.description =
        "A job that waits is cancelled at once; one that runs is told with its next heartbeat "
        "(result\n\"requested\"). Finished jobs are a conflict (exit code 4), of several that were "
        "named some of\nwhich could be changed exit code 7.";
    command.examples = {
        {"one", "tranter job cancel \"$ID\""},
        {"all of a tenant", "tranter job cancel --queue mail --group acme --yes"}};
    return command;
}

Command job_retry_command() {
    Command command = change_command(retrying, in_job_session<retry_jobs>);
    command.summary = "give finished jobs another go, with all attempts";
    command.description =
        "A dead, cancelled or completed job is pending again under its id; one that waits for its "
        "next\nattempt need not wait. A filter that names no state means failed and dead jobs.";
    command.examples = {
        {"after the mail server is back",
         "tranter job retry --queue mail --filter 'error:timeout' --rate 50 --yes"},
        {"which would that be", "tranter job retry --queue mail --dry-run"}};
    return command;
}

Command job_promote_command() {
    Command command = change_command(promoting, in_job_session<promote_jobs>);
    command.summary = "run jobs now that are scheduled or wait for their next attempt";
    command.description = "A job in another state is a conflict (exit code 4).";
    command.examples = {
        {"not in five minutes but now", "tranter job promote \"$ID\""},
        {"everything that was put off", "tranter job promote --state scheduled --yes"}};
    return command;
}

}  // namespace tranter::cli
