#include "admin/schedules_checks.hpp"

#include "admin/jobs_checks.hpp"
#include "base/uuid.hpp"
#include "jobs/options_writer.hpp"

#include <tranter/job_type.hpp>
#include <tranter/schedule.hpp>

#include <fmt/format.h>

#include <chrono>

namespace tranter::admin {
namespace {

constexpr std::size_t reason_bytes_max = 1024;

}  // namespace

TimePoint current_time() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

bool is_schedule_name(std::string_view name) {
    return name.size() <= schedule_name_bytes_max && is_valid_kind(name);
}

bool is_job_id(std::string_view id) {
    return parse_uuid(id).has_value();
}

IdempotentRequests::Request request_of(const JobCall& call) {
    return IdempotentRequests::describe(
        fmt::format("{} {}", call.route->operation, call.id), call.idempotency_key, call.body
    );
}

std::string_view body_or_nothing(const JobCall& call) {
    return is_blank_body(call.body) ? std::string_view("{}") : std::string_view(call.body);
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
    json.key(name).begin_array();
    for (const std::string& text : texts)
        json.value(jobs::as_utf8(text));
    json.end_array();
}

Result<> check_reason(std::string_view reason) {
    if (reason.size() > reason_bytes_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("reason is {} bytes, limit is {}", reason.size(), reason_bytes_max)
        );
    }
    const bool has_control =
        std::ranges::any_of(reason, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (!has_control) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("reason is {}, it must have no control characters", shown(reason))
    );
}

Result<std::string> read_cursor(const JobCall& call, bool (*is_one)(std::string_view text)) {
    const auto given = call.query.find("cursor");
    if (given == call.query.end()) return std::string();
    if (is_one(given->second)) return given->second;
    return fail(
        Errc::invalid_argument,
        fmt::format("cursor is {}, expected `next` of the page before", shown(given->second))
    );
}

}  // namespace tranter::admin
