#include "cli/job_commands.hpp"
#include "cli/job_record.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::cli {

namespace {

constexpr std::int64_t page_jobs_max = 1000;
constexpr std::int64_t limit_default = 50;

}  // namespace

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
        later_store_option(),
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
