#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {

std::string_view enqueue_functions() {
    return {};
}

}  // namespace tranter::postgres_jobs
