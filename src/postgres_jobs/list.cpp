#include "history/matcher.hpp"
#include "history/query.hpp"
#include "jobs/queue_name.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/list_ended.hpp"
#include "postgres_jobs/list_live.hpp"
#include "postgres_jobs/list_place.hpp"
#include "postgres_jobs/listing.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr std::size_t page_max = 1'000;

Result<JobPage> list_letters(Listing& listing, const std::string& dead_letter_queue) {
    auto more = read_letters(listing, dead_letter_queue);
    if (!more) return std::unexpected(more.error());
    return listing.page(*more);
}

Result<JobPage> read_all(Listing& listing) {
    if (listing.place.part == ListPart::live) {
        if (read_live(listing)) return listing.page(true);
        listing.place = {.part = ListPart::ended};
    }
    return listing.page(read_ended(listing));
}

}  // namespace

Result<JobPage> list_jobs(Store& store, const ListRequest& request) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (request.jobs_max == 0 || request.jobs_max > page_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("jobs_max is {}, it must be 1 to {}", request.jobs_max, page_max)
        );
    }
    const auto now = SteadyClock::wall_clock();
    auto query = history::parse_job_query(request.filter, now);
    if (!query) return std::unexpected(query.error());
    const auto place = parse_place(request.cursor);
    if (!place) return std::unexpected(place.error());
    const bool is_of_letters = place->part == ListPart::letters;
    const bool asks_letters = !request.dead_letter_queue.empty();
    if (!request.cursor.empty() && is_of_letters != asks_letters) {
        return fail(Errc::invalid_argument, "the cursor is one of another list");
    }
    return store.pool.read([&](postgres::Connection& connection) -> Result<JobPage> {
        Listing listing(connection, *query, *place, request.jobs_max);
        if (asks_letters) return list_letters(listing, request.dead_letter_queue);
        return read_all(listing);
    });
}

}  // namespace tranter::postgres_jobs
