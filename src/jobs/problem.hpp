#pragma once

#include "base/error.hpp"

#include <string_view>

namespace tranter::jobs {

/// How the Jobs API tells errors.
struct ProblemKind {
    Errc code;
    int status;              // of HTTP
    std::string_view name;   // of the code
    std::string_view title;  // RFC 9457
};
const ProblemKind& problem_kind(Errc code);

/// The kind that a server named; by status when it named none that is known.
Errc find_problem_code(std::string_view name, int status);

}  // namespace tranter::jobs
