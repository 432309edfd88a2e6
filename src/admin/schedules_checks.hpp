#pragma once

#include "admin/jobs_once.hpp"
#include "admin/jobs_reply.hpp"
#include "admin/jobs_route.hpp"
#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "http/message.hpp"

#include <tranter/job.hpp>
#include <tranter/payload.hpp>
#include <tranter/schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the calls about schedules have in common.
namespace tranter::admin {

TimePoint current_time();

/// Whether a schedule may be called so.
bool is_schedule_name(std::string_view name);
bool is_job_id(std::string_view id);

/// A call with an Idempotency-Key, which counts for one route and one schedule or job.
IdempotentRequests::Request request_of(const JobCall& call);

/// The same as a name that the store of schedules keeps; empty when the call has none.
std::string request_name(const JobCall& call);

/// The body of a call that may come without.
std::string_view body_or_nothing(const JobCall& call);

/// Why a schedule is paused: `invalid_argument` for more than a line, or a long one.
[[nodiscard]] Result<> check_reason(std::string_view reason);

/// `next` of the page before, or nothing. `invalid_argument` for what is none.
[[nodiscard]] Result<std::string> read_cursor(
    const JobCall& call, bool (*is_one)(std::string_view text)
);

/// A body of wire.hpp that has no member to be null.
template <class T>
http::Response answer_struct(const T& value) {
    auto text = to_json(value);
    return text ? json_reply(200, std::move(*text)) : problem_reply(text.error());
}

/// The members words, obstacles, next and warnings.
void write_explanation(JsonWriter& json, const ScheduleExplanation& known);

/// The query parameter `name` as RFC 3339; `otherwise` when it is not there.
[[nodiscard]] Result<TimePoint> read_time(
    const JobCall& call, std::string_view name, TimePoint otherwise
);

struct PageRequest {
    std::string after{};
    std::size_t limit = 0;
    std::size_t bytes = 0;  // it ends behind the item that passes them
};
inline constexpr std::size_t page_step = 50;

/// {"`name`":[...],"next":"..."} of what `list(after, max)` gives in steps, so that large payloads
/// do not add up; `key` of an item is what the next step begins after.
template <class List, class Write, class Key>
http::Response answer_page(
    std::string_view name, PageRequest page, const List& list, const Write& write, const Key& key
) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key(name).begin_array();
    while (true) {
        const auto some = list(page.after, std::clamp<std::size_t>(page.limit, 1, page_step));
        if (!some) return problem_reply(some.error());
        if (some->empty()) break;
        if (page.limit == 0 || out.size() > page.bytes) {
            json.end_array().member("next", page.after).end_object();
            return json_reply(200, std::move(out));
        }
        for (const auto& item : *some) {
            write(json, item);
            page.after = key(item);
            --page.limit;
            if (out.size() > page.bytes) break;
        }
    }
    json.end_array().end_object();
    return json_reply(200, std::move(out));
}

}  // namespace tranter::admin
