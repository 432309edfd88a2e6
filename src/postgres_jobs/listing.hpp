#pragma once

#include "history/matcher.hpp"
#include "history/query.hpp"
#include "postgres/connection.hpp"
#include "postgres_jobs/list_place.hpp"
#include "postgres_jobs/search.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tranter::postgres_jobs {

/// Whether the query lets jobs of this state through.
bool wants(const history::JobQuery& query, JobState state);

/// One call of list: what it asks for, how far it has come, and what it has found.
class Listing {
  public:
    /// A page of 1 to 1,000 jobs. Everything outlives it. Throws DatabaseError.
    Listing(
        postgres::Connection& connection,
        const history::JobQuery& query,
        ListPlace place,
        std::size_t jobs_max
    );

    /// How many rows to ask for at a time: as many as have room, when all of them will be shown.
    std::size_t chunk() const;
    bool has_room() const;
    /// It has no room, or enough was looked at.
    bool is_full() const;
    /// Looked at one more, which may be shown. False: it does not match.
    bool matches(const JobRecord& record);
    void add(JobRecord record);
    JobPage page(bool more);

    postgres::Connection& connection;
    const history::JobQuery& query;
    ListPlace place;
    std::vector<SearchTerm> terms;

  private:
    void find_logged();
    std::vector<std::string> log_of(const std::string& id);

    const std::size_t jobs_max_;
    const bool needs_matcher_;
    const history::Matcher matcher_;
    std::unordered_set<std::string> logged_{};  // whose log has some of the terms
    std::vector<JobRecord> jobs_{};
    std::size_t looked_at_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace tranter::postgres_jobs
