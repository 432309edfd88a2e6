#include "cli/job_commands.hpp"
#include "cli/job_record.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::int64_t page_jobs_max = 1000;
constexpr std::int64_t limit_default = 50;

/// A value of the language of searches, between quotes when it takes them.
std::string search_value(std::string_view text) {
    if (!text.empty() && text.find_first_of(" \t\"\\") == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace

std::string job_filter(const Arguments& arguments) {
    std::string filter = arguments.text("filter");
    const auto add = [&](std::string_view term) {
        if (!filter.empty()) filter += ' ';
        filter += term;
    };
    for (const std::string_view name : {"queue", "type", "group", "tag"}) {
        for (const std::string& value : arguments.list(name)) {
            add(fmt::format("{}:{}", name, search_value(value)));
        }
    }
    std::string states;
    for (const std::string& state : arguments.list("state")) {
        states += states.empty() ? "state:" : ",";
        states += state;
    }
    if (!states.empty()) add(states);
    if (const auto since = arguments.find("since")) add("age<" + *since);
    return filter;
}

std::vector<Option> job_filter_options() {
    return {
        {.name = "filter",
         .value = "TEXT",
         .help = "as the dashboard's: state:dead args.user.id:42 error:timeout age>5m tag:a word"},
        {.name = "queue", .value = "NAME", .help = "only of this queue"},
        {.name = "type", .value = "TYPE", .help = "only of this type"},
        {.name = "state",
         .value = "STATE",
         .help = "only in this state",
         .repeated = true,
         .choices =
             {"pending", "scheduled", "processing", "completed", "failed", "dead", "cancelled"}},
        {.name = "group", .value = "KEY", .help = "only of this group"},
        {.name = "tag", .value = "TAG", .help = "only with this tag", .repeated = true},
        {.name = "since", .value = "DURATION", .help = "only what finished so long ago or later"},
    };
}

Result<int> list_jobs(JobSession& session, const Arguments& arguments) {
    const auto limit = arguments.integer("limit", {.min = 1});
    if (!limit) return std::unexpected(limit.error());
    const auto since = arguments.duration("since");
    if (!since) return std::unexpected(since.error());
    ListRequest request{.filter = job_filter(arguments), .cursor = arguments.text("cursor")};
    const TimeStyle style = time_style(session);
    session.progress.start("listing jobs");
    session.output.begin(job_columns());
    std::uint64_t listed = 0;
    auto left = limit->value_or(limit_default);
    do {
        request.jobs_max = static_cast<std::size_t>(std::min(left, page_jobs_max));
        const auto page = session.provider.list(request);
        if (!page) return std::unexpected(page.error());
        for (const JobRecord& job : page->jobs) {
            session.output.row(job_row(job, style));
        }
        listed += page->jobs.size();
        left -= static_cast<std::int64_t>(page->jobs.size());
        request.cursor = page->next;
        session.progress.update(listed);
    } while (left > 0 && !request.cursor.empty());
    session.progress.stop();
    session.output.end();
    if (!request.cursor.empty()) say(fmt::format("there are more: --cursor {}", request.cursor));
    return 0;
}

Command job_list_command() {
    std::vector<Option> options = job_filter_options();
    const std::vector<Option> own{
        {.name = "limit", .value = "N", .help = "how many at most (default: 50)"},
        {.name = "cursor", .value = "TEXT", .help = "go on where an earlier list ended"},
    };
    options.insert(options.end(), own.begin(), own.end());
    return {
        .name = "list",
        .summary = "list jobs, unfinished ones first, then the newest",
        .description =
            "Everything that is given has to hold. When there are more than --limit, stderr says "
            "where to\ngo on.",
        .options = with_provider_options(std::move(options)),
        .examples =
            {{"what went wrong in the last hour",
              "tranter job list --state dead --since 1h -o wide"},
             {"jobs for one user", "tranter job list --filter 'queue:mail args.user_id:42'"},
             {"ids alone, for a script", "tranter job list --state failed --limit 100000 -o name"}},
        .run = in_job_session<list_jobs>,
    };
}

}  // namespace tranter::cli
