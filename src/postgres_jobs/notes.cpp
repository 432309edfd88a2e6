#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<> set_progress(Store&, std::string_view, std::string_view, std::string_view) {
    return fail(Errc::unsupported, "progress");
}

Result<> append_log(Store&, std::string_view, std::string_view, std::span<const std::string>) {
    return fail(Errc::unsupported, "log");
}

Result<> save_step(Store&, std::string_view, std::string_view, const Step&) {
    return fail(Errc::unsupported, "steps");
}

}  // namespace tranter::postgres_jobs
