#include "admin/jobs_checks.hpp"

#include "admin/jobs_reply.hpp"
#include "base/duration.hpp"
#include "base/log_text.hpp"
#include "jobs/value_path.hpp"
#include "jobs/wire_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::admin {
namespace {

constexpr Milliseconds lease_min = std::chrono::seconds(1);
constexpr Milliseconds lease_max = std::chrono::hours(12);
constexpr Milliseconds wait_max = std::chrono::minutes(20);
constexpr Milliseconds wait_default = std::chrono::seconds(20);
constexpr std::size_t key_bytes_max = 255;
constexpr std::size_t list_max = 1'000;

Result<> check_range(
    std::string_view what, Milliseconds value, Milliseconds min, Milliseconds max
) {
    if (value >= min && value <= max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "{} is {}, it must be from {} to {}",
            what,
            format_duration(value),
            format_duration(min),
            format_duration(max)
        )
    );
}

Result<> check_jobs(const jobs::NewJobs& read) {
    if (auto checked = check_count("jobs", read.jobs.size()); !checked) return checked;
    for (std::size_t i = 0; i < read.jobs.size(); ++i) {
        const std::string problem = problem_of(read.jobs[i]);
        if (problem.empty()) continue;
        return fail(
            Errc::invalid_argument, read.array ? fmt::format("$[{}]: {}", i, problem) : problem
        );
    }
    return {};
}

Result<EnqueueCall> read_enqueue(std::string_view body) {
    auto read = jobs::read_new_jobs(body);
    if (!read) return std::unexpected(std::move(read.error()));
    if (auto checked = check_jobs(*read); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    return EnqueueCall{.jobs = std::move(read->jobs), .array = read->array};
}

}  // namespace

std::string shown(std::string_view text) {
    constexpr std::size_t bytes_shown_max = 64;
    return fmt::format("\"{}\"", one_line(jobs::shortened(text, bytes_shown_max)));
}

bool is_blank_body(std::string_view body) {
    std::string compact;
    for (const char c : body) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        if (compact.size() == 2) return false;
        compact += c;
    }
    return compact.empty() || compact == "{}";
}

std::optional<EnqueueCall> begin_enqueue(
    const JobCall& call, std::string_view body, IdempotentRequests& once, http::Exchange& exchange
) {
    auto read = read_enqueue(body);
    if (!read) {
        std::move(exchange).respond(problem_reply(read.error()));
        return std::nullopt;
    }
    if (call.idempotency_key.empty()) return std::move(*read);
    auto request = IdempotentRequests::describe(call.queue, call.idempotency_key, body);
    if (!begin_once(request, once, exchange)) return std::nullopt;
    read->chosen_ids = IdempotentRequests::choose_ids(request, read->jobs);
    read->once = std::move(request);
    return std::move(*read);
}

bool begin_once(
    const IdempotentRequests::Request& request, IdempotentRequests& once, http::Exchange& exchange
) {
    switch (once.begin(request, exchange)) {
        case IdempotentRequests::Begun::first:
            return true;
        case IdempotentRequests::Begun::answered:
            return false;
        case IdempotentRequests::Begun::other:
            break;
    }
    std::move(exchange).respond(problem_reply(
        422,
        "Key used before",
        "this Idempotency-Key came with another request before; use a new one"
    ));
    return false;
}

http::Response EnqueueCall::answer(Result<std::vector<Enqueued>>&& enqueued) const {
    if (!enqueued) return problem_reply(enqueued.error());
    // A job that this very request enqueued earlier, before a restart, is no duplicate to it.
    for (std::size_t i = 0; i < std::min(chosen_ids.size(), enqueued->size()); ++i) {
        Enqueued& one = (*enqueued)[i];
        if (!chosen_ids[i].empty() && one.duplicate_of == chosen_ids[i]) one.duplicate_of.clear();
    }
    return json_reply(201, jobs::write_enqueued(*enqueued, array));
}

Result<> check_key(std::string_view key) {
    const bool printable = std::ranges::all_of(key, [](char c) {
        return c >= ' ' && static_cast<unsigned char>(c) < 0x7F;
    });
    if (key.size() <= key_bytes_max && printable) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("Idempotency-Key: at most {} printable ASCII characters", key_bytes_max)
    );
}

Result<ReceiveRequest> read_receive(const JobCall& call, std::string_view body) {
    auto request = jobs::read_receive_request(body.empty() ? "{}" : body);
    if (!request) return request;
    request->queue = call.queue;
    auto checked = check_count("jobs_max", request->jobs_max);
    if (checked) checked = check_lease(request->lease);
    if (checked) checked = check_range("wait", request->wait, Milliseconds{}, wait_max);
    if (!checked) return std::unexpected(std::move(checked.error()));
    return request;
}

Result<std::vector<Settlement>> read_settle(std::string_view body) {
    auto settlements = jobs::read_settlements(body);
    if (!settlements) return settlements;
    if (auto checked = check_count("settlements", settlements->size()); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    return settlements;
}

Result<Milliseconds> read_wait(const JobCall& call) {
    const auto given = call.query.find("timeout");
    if (given == call.query.end()) return wait_default;
    const auto timeout = parse_duration(given->second);
    if (!timeout) {
        return fail(timeout.error().code(), "timeout: " + timeout.error().message());
    }
    const auto rounded = std::chrono::ceil<Milliseconds>(*timeout);
    if (auto checked = check_range("timeout", rounded, Milliseconds{}, wait_max); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    return rounded;
}

Result<ListRequest> read_list(const JobCall& call) {
    ListRequest request;
    for (const auto& [name, value] : call.query) {
        if (name == "filter") request.filter = value;
        if (name == "cursor") request.cursor = value;
        if (name == "dead_letter_queue") request.dead_letter_queue = value;
    }
    const auto limit = read_number(call, "limit", request.jobs_max, list_max);
    if (!limit) return std::unexpected(limit.error());
    request.jobs_max = static_cast<decltype(request.jobs_max)>(*limit);
    return request;
}

Result<std::size_t> read_number(
    const JobCall& call, std::string_view name, std::size_t otherwise, std::size_t max
) {
    const auto given = call.query.find(name);
    if (given == call.query.end()) return otherwise;
    const std::string& text = given->second;
    const char* end = text.data() + text.size();
    std::size_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && rest == end && number >= 1 && number <= max) return number;
    return fail(
        Errc::invalid_argument,
        fmt::format("{} is {}, it must be a number from 1 to {}", name, shown(text), max)
    );
}

Result<bool> read_flag(const JobCall& call, std::string_view name) {
    const auto given = call.query.find(name);
    if (given == call.query.end() || given->second == "false") return false;
    if (given->second == "true") return true;
    return fail(
        Errc::invalid_argument,
        fmt::format("{} is {}, it must be true or false", name, shown(given->second))
    );
}

Result<> check_lease(Milliseconds lease) {
    return check_range("lease", lease, lease_min, lease_max);
}

Result<> check_count(std::string_view what, std::size_t count) {
    if (count >= 1 && count <= jobs_per_call_max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format("{} are {}, a call takes from 1 to {}", what, count, jobs_per_call_max)
    );
}

http::Response answer_one(const Result<std::vector<Result<>>>& results) {
    if (!results) return problem_reply(results.error());
    if (results->size() != 1) {
        return problem_reply(Error(Errc::internal, "the store gave no answer for the receipt"));
    }
    return answer_done(results->front());
}

http::Response answer_done(const Result<>& result) {
    return result ? json_reply(200, R"({"ok":true})") : problem_reply(result.error());
}

}  // namespace tranter::admin
