#include "jobs/problem.hpp"

#include "base/error_names.hpp"

#include <algorithm>
#include <array>

namespace tranter::jobs {
namespace {

constexpr ProblemKind kind_of(Errc code, int status, std::string_view title) {
    return {.code = code, .status = status, .name = name_of(code), .title = title};
}

constexpr auto kinds = std::to_array({
    kind_of(Errc::not_found, 404, "Not found"),
    kind_of(Errc::invalid_argument, 400, "Invalid request"),
    kind_of(Errc::already_exists, 409, "Already exists"),
    kind_of(Errc::conflict, 409, "Conflict"),
    kind_of(Errc::limit_exceeded, 429, "Limit exceeded"),
    kind_of(Errc::unavailable, 503, "Unavailable"),
    kind_of(Errc::timed_out, 504, "Timed out"),
    kind_of(Errc::cancelled, 503, "Cancelled"),
    kind_of(Errc::unsupported, 501, "Not supported"),
    kind_of(Errc::unauthenticated, 401, "Not authenticated"),
    kind_of(Errc::permission_denied, 403, "Not allowed"),
    kind_of(Errc::corrupted, 500, "Damaged data"),
    kind_of(Errc::internal, 500, "Internal error"),
});

struct StatusCode {
    int status;
    Errc code;
};
// Of those that are no problem of ours, or not the first of their status.
constexpr auto other_statuses = std::to_array<StatusCode>({
    {405, Errc::unsupported},
    {408, Errc::timed_out},
    {409, Errc::conflict},
    {413, Errc::limit_exceeded},
    {415, Errc::invalid_argument},
    {422, Errc::invalid_argument},
    {500, Errc::internal},
    {502, Errc::unavailable},
});

}  // namespace

const ProblemKind& problem_kind(Errc code) {
    const auto found = std::ranges::find(kinds, code, &ProblemKind::code);
    return found == kinds.end() ? kinds.back() : *found;
}

Errc find_problem_code(std::string_view name, int status) {
    const auto named = std::ranges::find(kinds, name, &ProblemKind::name);
    if (named != kinds.end()) return named->code;
    const auto other = std::ranges::find(other_statuses, status, &StatusCode::status);
    if (other != other_statuses.end()) return other->code;
    const auto same = std::ranges::find(kinds, status, &ProblemKind::status);
    if (same != kinds.end()) return same->code;
    return status >= 500 ? Errc::unavailable : Errc::invalid_argument;
}

}  // namespace tranter::jobs
