#include "admin/schedules_checks.hpp"

#include "admin/jobs_checks.hpp"
#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "jobs/options_writer.hpp"
#include "jobs/time_text.hpp"

#include <tranter/job_type.hpp>
#include <tranter/schedule.hpp>

#include <fmt/format.h>

#include <chrono>

namespace tranter::admin {
namespace {

constexpr std::size_t reason_bytes_max = 1024;

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
    json.key(name).begin_array();
    for (const std::string& text : texts)
        json.value(jobs::as_utf8(text));
    json.end_array();
}

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

std::string request_name(const JobCall& call) {
    if (call.idempotency_key.empty()) return {};
    return fmt::format("{:02x}", fmt::join(sha256(request_of(call).key), ""));
}

std::string_view body_or_nothing(const JobCall& call) {
    return is_blank_body(call.body) ? std::string_view("{}") : std::string_view(call.body);
}

void write_explanation(JsonWriter& json, const ScheduleExplanation& known) {
    json.member("words", known.words);
    write_texts(json, "obstacles", known.obstacles);
    json.key("next").begin_array();
    for (const ScheduleFiring& firing : known.next)
        json.value(firing.local);
    json.end_array();
    write_texts(json, "warnings", known.warnings);
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
    if (given == call.query.end() || given->second.empty()) return std::string();
    if (is_one(given->second)) return given->second;
    return fail(
        Errc::invalid_argument,
        fmt::format("cursor is {}, expected `next` of the page before", shown(given->second))
    );
}

Result<TimePoint> read_time(const JobCall& call, std::string_view name, TimePoint otherwise) {
    const auto given = call.query.find(name);
    if (given == call.query.end()) return otherwise;
    const auto count = jobs::parse_time_count(
        given->second, {.num = TimePoint::period::num, .den = TimePoint::period::den}
    );
    if (count) return TimePoint(TimePoint::duration(*count));
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "{} is {}, expected a time like 2027-01-31T08:00:00Z: {}",
            name,
            shown(given->second),
            count.error().message()
        )
    );
}

}  // namespace tranter::admin
