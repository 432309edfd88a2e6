#include "postgres_jobs/listing.hpp"

#include "history/record_match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

/// Looked at in one call, so that a filter that nothing matches does not take for ever.
constexpr std::size_t looked_at_max = 5'000;
constexpr std::size_t chunk_max = 200;
constexpr std::size_t page_bytes_max = std::size_t{8} << 20;
/// A word that stands in more logs than this is found in those of the jobs that ended last.
constexpr std::string_view logged_max = "10000";

constexpr postgres::Statement lines_of_job(R"sql(
    SELECT line FROM tranter.job_logs l, unnest(l.lines) WITH ORDINALITY u(line, place)
    WHERE l.job_id = $1::uuid ORDER BY l.number, place)sql");

template <class States, class State>
bool has(const States& states, State state) {
    return std::ranges::find(states, state) != states.end();
}

}  // namespace

bool wants(const history::JobQuery& query, JobState state) {
    const auto& open = query.open_states;
    const auto& ended = query.filter.states;
    if (open.empty() && ended.empty()) return true;
    switch (state) {
        case JobState::pending:
            return has(open, history::OpenState::pending);
        case JobState::scheduled:
            return has(open, history::OpenState::scheduled);
        case JobState::processing:
            return has(open, history::OpenState::processing);
        case JobState::failed:
            return has(ended, history::State::failed);
        case JobState::completed:
            return has(ended, history::State::completed);
        case JobState::dead:
            return has(ended, history::State::dead);
        case JobState::cancelled:
            break;
    }
    return has(ended, history::State::cancelled);
}

Listing::Listing(
    postgres::Connection& of_connection,
    const history::JobQuery& of_query,
    ListPlace from,
    std::size_t jobs_max
)
    : connection(of_connection),
      query(of_query),
      place(std::move(from)),
      terms(terms_of(of_query.filter)),
      jobs_max_(jobs_max),
      needs_matcher_(needs_matcher(of_query.filter)),
      matcher_(of_query.filter) {
    find_logged();
}

std::size_t Listing::chunk() const {
    return needs_matcher_ ? chunk_max : std::min(chunk_max, jobs_max_ - jobs_.size());
}

bool Listing::has_room() const {
    return jobs_.size() < jobs_max_ && bytes_ < page_bytes_max;
}

bool Listing::is_full() const {
    return !has_room() || looked_at_ >= looked_at_max;
}

bool Listing::matches(const JobRecord& record) {
    ++looked_at_;
    if (!needs_matcher_) return true;
    history::JobEntry entry = history::comparable(record);
    if (logged_.contains(record.id)) {
        for (const std::string& line : log_of(record.id))
            entry.log.append(line);
    }
    return matcher_.matches(entry);
}

void Listing::add(JobRecord record) {
    bytes_ += record.payload.size() + record.result.size();
    jobs_.push_back(std::move(record));
}

JobPage Listing::page(bool more) {
    JobPage page{.jobs = std::move(jobs_)};
    if (more) page.next = format_place(place);
    return page;
}

void Listing::find_logged() {
    for (SearchTerm& term : terms) {
        if (!term.in_log) continue;
        std::string sql;
        std::vector<postgres::Parameter> parameters;
        for (const SearchWord& word : term.words) {
            parameters.emplace_back(fmt::format("{} | 'UNSURE'", word_query({word})));
            sql += fmt::format(
                "{} SELECT job_id FROM tranter.job_logs WHERE tranter.log_words(lines) @@ "
                "${}::tsquery",
                sql.empty() ? "" : " INTERSECT",
                parameters.size()
            );
        }
        const auto rows = connection.query(
            fmt::format(
                "SELECT job_id FROM ({}) logged GROUP BY job_id ORDER BY job_id DESC LIMIT {}",
                sql,
                logged_max
            )
                .c_str(),
            parameters
        );
        for (std::size_t row = 0; row < rows.size(); ++row) {
            logged_.emplace(rows.text(row, 0));
            term.logged.emplace_back(rows.text(row, 0));
        }
    }
}

std::vector<std::string> Listing::log_of(const std::string& id) {
    const auto rows = connection.execute(lines_of_job, std::array<postgres::Parameter, 1>{id});
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < rows.size(); ++row)
        lines.emplace_back(rows.text(row, 0));
    return lines;
}

}  // namespace tranter::postgres_jobs
