#include "jobs/problem.hpp"

#include <algorithm>
#include <array>

namespace tranter::jobs {
namespace {

constexpr auto kinds = std::to_array<ProblemKind>({
    {Errc::not_found, 404, "not_found", "Not found"},
    {Errc::invalid_argument, 400, "invalid_argument", "Invalid request"},
    {Errc::already_exists, 409, "already_exists", "Already exists"},
    {Errc::conflict, 409, "conflict", "Conflict"},
    {Errc::limit_exceeded, 429, "limit_exceeded", "Limit exceeded"},
    {Errc::unavailable, 503, "unavailable", "Unavailable"},
    {Errc::timed_out, 504, "timed_out", "Timed out"},
    {Errc::cancelled, 503, "cancelled", "Cancelled"},
    {Errc::unsupported, 501, "unsupported", "Not supported"},
    {Errc::unauthenticated, 401, "unauthenticated", "Not authenticated"},
    {Errc::permission_denied, 403, "permission_denied", "Not allowed"},
    {Errc::corrupted, 500, "corrupted", "Damaged data"},
    {Errc::internal, 500, "internal", "Internal error"},
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
