#include "base/duration.hpp"
#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "base/uuid.hpp"
#include "jobs/options_writer.hpp"
#include "jobs/wire_json.hpp"
#include "providers/broker_job_codec.hpp"
#include "providers/http_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

// What those who enqueue jobs and those who run them ask for.
namespace tranter::providers {
namespace {

using Repeat = HttpCall::Repeat;
using SteadyTime = std::chrono::steady_clock::time_point;

// A long poll is cut into pieces that no proxy takes for a hanging request.
constexpr Milliseconds slice_max = std::chrono::seconds(20);
// What a server may take longer than the time it was asked to wait.
constexpr Duration answer_time = std::chrono::seconds(15);
// A worker renews leases, reports and settles on one thread each, for all of its jobs. Where
// nothing comes back on a connection, it tries another one well before leases end.
constexpr Duration report_time = std::chrono::seconds(5);
constexpr Duration settle_time = std::chrono::seconds(10);
constexpr std::size_t bytes_per_second_min = std::size_t{64} << 10;
// A server that hears of the end of a wait answers at once, if it has jobs for us.
constexpr Duration farewell_time = std::chrono::seconds(2);
// Settlements of a call with large results go in several requests.
constexpr std::size_t settle_bytes_max = std::size_t{4} << 20;

Duration time_for(const std::string& body, Duration answer) {
    return answer + std::chrono::seconds(body.size() / bytes_per_second_min);
}

/// The first attempt, which follows after a third of the lease, and another one fit into it.
Duration extend_time(Milliseconds lease) {
    return std::clamp<Duration>(lease / 6, std::chrono::seconds(1), report_time);
}

Result<> report(HttpLink& link, std::string path, std::string body, Repeat repeat) {
    const Duration timeout = time_for(body, report_time);
    const auto answer = link.call(
        {.method = "POST",
         .path = std::move(path),
         .body = std::move(body),
         .timeout = timeout,
         .repeat = repeat}
    );
    if (!answer) return std::unexpected(answer.error());
    return {};
}

Result<> check_sendable(std::string_view what, std::string_view text) {
    if (is_json_value(text)) return {};
    return fail(Errc::invalid_argument, fmt::format("{} is not JSON", what));
}

Result<> check_receipt(std::string_view receipt) {
    if (!receipt.empty() && is_valid_utf8(receipt)) return {};
    return fail(Errc::invalid_argument, "the receipt is none that was ever given out");
}

/// What could not be sent, or would spoil it for the others of the call.
Result<> check_settlement(const Settlement& settlement) {
    if (auto checked = check_receipt(settlement.receipt); !checked) return checked;
    Milliseconds rest{};
    if (const auto* done = std::get_if<Completed>(&settlement.outcome)) {
        if (done->result.empty()) return {};
        if (done->result.size() > result_bytes_max) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "result is {} bytes, limit is {}", done->result.size(), result_bytes_max
                )
            );
        }
        return check_sendable("result", done->result);
    }
    if (const auto* failed = std::get_if<Failed>(&settlement.outcome)) {
        rest = failed->retry_after.value_or(rest);
    }
    if (const auto* snoozed = std::get_if<Snoozed>(&settlement.outcome)) rest = snoozed->after;
    if (rest >= Milliseconds{}) return {};
    return fail(Errc::invalid_argument, fmt::format("a rest of {} ms is below zero", rest.count()));
}

std::size_t settlement_bytes(const Settlement& settlement) {
    constexpr std::size_t frame = 200;
    std::size_t bytes = frame;
    if (const auto* done = std::get_if<Completed>(&settlement.outcome))
        bytes += done->result.size();
    if (const auto* failed = std::get_if<Failed>(&settlement.outcome)) bytes += failed->text.size();
    if (const auto* dead = std::get_if<Dead>(&settlement.outcome)) bytes += dead->reason.size();
    return bytes;
}

/// As many from the front as fit into a request.
std::size_t settle_count(std::span<const Settlement> settlements) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < settlements.size() && count < jobs_per_call_max) {
        bytes += settlement_bytes(settlements[count]);
        if (count > 0 && bytes > settle_bytes_max) break;
        ++count;
    }
    return count;
}

std::string receipt_body(std::string_view receipt, std::string_view name, std::string_view json) {
    std::string body;
    JsonWriter(body).begin_object().member("receipt", receipt).key(name).raw(json).end_object();
    return body;
}

/// Asks about the items that nothing is wrong with, and answers for the others itself.
template <class Answer, class Item, class Check, class Ask>
Result<std::vector<Answer>> ask_about_good(std::span<const Item> items, Check check, Ask ask) {
    std::vector<Result<>> checked;
    std::vector<Item> good;
    for (const Item& item : items)
        checked.push_back(check(item));
    if (std::ranges::all_of(checked, [](const Result<>& one) { return one.has_value(); })) {
        return ask(items);
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (checked[i]) good.push_back(items[i]);
    }
    Result<std::vector<Answer>> answers = ask(std::span<const Item>(good));
    if (!answers || answers->size() != good.size()) return answers;
    std::vector<Answer> out;
    auto answer = answers->begin();
    for (Result<>& one : checked) {
        if (one) {
            out.push_back(std::move(*answer++));
        } else {
            out.push_back(std::unexpected(std::move(one.error())));
        }
    }
    return out;
}

}  // namespace

Result<std::vector<Enqueued>> HttpStore::enqueue(
    std::string_view queue, std::span<const NewJob> jobs
) {
    if (jobs.empty()) return std::vector<Enqueued>{};
    std::vector<NewJob> named(jobs.begin(), jobs.end());
    for (std::size_t i = 0; i < named.size(); ++i) {
        if (named[i].id.empty()) named[i].id = format_uuid(make_time_ordered_uuid());
        if (auto checked =
                check_sendable(fmt::format("the payload of job {}", i), named[i].payload);
            !checked) {
            return std::unexpected(std::move(checked.error()));
        }
    }
    const auto answer = link_.call(
        {.method = "POST",
         .path = queue_path(queue, "jobs"),
         .body = jobs::write_new_jobs(named),
         .repeat = Repeat::yes}
    );
    if (!answer) return std::unexpected(answer.error());
    auto enqueued = jobs::read_enqueued(answer->body);
    if (!enqueued || !answer->repeated) return enqueued;
    // What an attempt of ours enqueued, whose answer was lost, is no duplicate to the caller.
    for (std::size_t i = 0; i < std::min(enqueued->size(), named.size()); ++i) {
        Enqueued& one = (*enqueued)[i];
        if (jobs[i].id.empty() && one.duplicate_of == named[i].id) one.duplicate_of.clear();
    }
    return enqueued;
}

Result<std::vector<ReceivedJob>> HttpStore::receive(const ReceiveRequest& request) {
    const SteadyTime end = std::chrono::steady_clock::now() + request.wait;
    for (;;) {
        const auto left = std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
        ReceiveRequest slice = request;
        slice.wait = std::clamp(left, Milliseconds{}, slice_max);
        const auto answer = link_.call(
            {.method = "POST",
             .path = queue_path(request.queue, "receive"),
             .body = jobs::write_receive_request(slice),
             .timeout = slice.wait + answer_time,
             .stop = request.stop,
             .farewell = farewell_time}
        );
        if (!answer) {
            if (request.stop.stop_requested()) return std::vector<ReceivedJob>{};
            return std::unexpected(answer.error());
        }
        auto jobs = jobs::read_received_jobs(answer->body);
        if (!jobs || !jobs->empty() || left <= slice_max || request.stop.stop_requested()) {
            return jobs;
        }
    }
}

Result<std::vector<Result<>>> HttpStore::settle(
    std::string_view queue, std::span<const Settlement> settlements
) {
    const auto ask = [&](std::span<const Settlement> good) {
        return settle_good(queue, good);
    };
    return ask_about_good<Result<>>(settlements, check_settlement, ask);
}

Result<std::vector<Result<>>> HttpStore::settle_good(
    std::string_view queue, std::span<const Settlement> settlements
) {
    std::vector<Result<>> out;
    while (!settlements.empty()) {
        const std::size_t count = settle_count(settlements);
        auto some = settle_some(queue, settlements.first(count));
        if (!some) return some;
        std::ranges::move(*some, std::back_inserter(out));
        settlements = settlements.subspan(count);
    }
    return out;
}

Result<std::vector<Result<>>> HttpStore::settle_some(
    std::string_view queue, std::span<const Settlement> settlements
) {
    std::string body = jobs::write_settlements(settlements);
    const Duration timeout = time_for(body, settle_time);
    const auto answer = link_.call(
        {.method = "POST",
         .path = queue_path(queue, "settle"),
         .body = std::move(body),
         .timeout = timeout,
         .repeat = Repeat::yes,
         .headers = {{"Idempotency-Key", format_uuid(make_uuid())}}}
    );
    if (!answer) return std::unexpected(answer.error());
    auto results = jobs::read_results(answer->body);
    if (results && results->size() != settlements.size()) {
        return fail(Errc::internal, "the server answered for another number of settlements");
    }
    return results;
}

Result<std::vector<Result<Extended>>> HttpStore::extend(
    std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
) {
    using Results = std::vector<Result<Extended>>;
    const auto ask = [&](std::span<const std::string> good) -> Result<Results> {
        if (good.empty()) return Results{};
        const auto answer = link_.call(
            {.method = "POST",
             .path = queue_path(queue, "extend"),
             .body = jobs::write_extend_request(good, lease),
             .timeout = extend_time(lease),
             .repeat = Repeat::yes}
        );
        if (!answer) return std::unexpected(answer.error());
        return jobs::read_extended(answer->body);
    };
    return ask_about_good<Result<Extended>>(receipts, check_receipt, ask);
}

Result<> HttpStore::set_progress(
    std::string_view queue, std::string_view receipt, std::string_view json
) {
    if (auto checked = check_sendable("progress", json); !checked) return checked;
    return report(
        link_, queue_path(queue, "progress"), receipt_body(receipt, "progress", json), Repeat::yes
    );
}

Result<> HttpStore::append_log(
    std::string_view queue, std::string_view receipt, std::span<const std::string> lines
) {
    std::string list;
    JsonWriter json(list);
    json.begin_array();
    for (const std::string& line : lines)
        json.value(jobs::as_utf8(line));
    json.end_array();
    return report(
        link_, queue_path(queue, "log"), receipt_body(receipt, "lines", list), Repeat::no
    );
}

Result<> HttpStore::save_step(std::string_view queue, std::string_view receipt, const Step& step) {
    if (auto checked = check_sendable("result of a step", step.result); !checked) return checked;
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("receipt", receipt).member("name", step.name);
    json.key("result").raw(step.result).end_object();
    return send("POST", queue_path(queue, "step"), std::move(body), Repeat::yes);
}

Result<JobRecord> HttpStore::wait(std::string_view id, Milliseconds timeout) {
    constexpr int finished = 200;
    const SteadyTime end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
        const Milliseconds slice = std::clamp(left, Milliseconds{}, slice_max);
        const auto answer = link_.call(
            {.path = job_path(id, fmt::format("wait?timeout={}ms", slice.count())),
             .timeout = slice + answer_time,
             .repeat = Repeat::yes}
        );
        if (!answer) return std::unexpected(answer.error());
        if (answer->status == finished) return jobs::read_job_record(answer->body);
        if (left <= slice_max) {
            return fail(
                Errc::timed_out,
                fmt::format("job {} is not finished after {}", id, format_duration(timeout))
            );
        }
    }
}

}  // namespace tranter::providers
