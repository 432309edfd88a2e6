#include "jobs/options_writer.hpp"
#include "jobs/problem.hpp"
#include "jobs/strict_json.hpp"
#include "jobs/value_path.hpp"
#include "jobs/wire.hpp"
#include "jobs/wire_json.hpp"

#include <fmt/format.h>

#include <utility>

// What workers ask for, and errors.
namespace tranter::jobs {
namespace {

constexpr std::size_t shown_answer_bytes_max = 200;  // of an answer that is none of ours

/// What only some outcomes have.
struct Member {
    std::string_view name;
    bool given;
    std::string_view outcomes;
};

std::string misplaced_member(const wire::Settlement& from, std::string_view outcome) {
    const Member members[] = {
        {"result", from.result != Json(), "completed"},
        {"error", from.error.has_value(), "failed dead"},
        {"retry_after", from.retry_after.has_value(), "failed"},
        {"after", from.after.has_value(), "snoozed"},
        {"reason", from.reason.has_value(), "dead"},
    };
    for (const Member& member : members) {
        if (member.given && member.outcomes.find(outcome) == std::string_view::npos) {
            return fmt::format("{}: no member of the outcome {}", member.name, outcome);
        }
    }
    if (outcome == "snoozed" && !from.after) return "after: is missing, for how long to snooze";
    return {};
}

std::string_view outcome_name(wire::Outcome outcome) {
    for (const EnumName& each : enum_names<wire::Outcome>()) {
        if (each.value == static_cast<std::uint8_t>(outcome)) return each.name;
    }
    return {};
}

AttemptOutcome outcome_of(wire::Settlement&& from, wire::Outcome outcome) {
    wire::AttemptError error = std::move(from.error).value_or(wire::AttemptError{});
    switch (outcome) {
        case wire::Outcome::completed:
            return Completed{text_or_nothing(from.result)};
        case wire::Outcome::failed:
            return Failed{std::move(error.type), std::move(error.text), from.retry_after};
        case wire::Outcome::released:
            return Released{};
        case wire::Outcome::snoozed:
            return Snoozed{from.after.value_or(Milliseconds{})};
        case wire::Outcome::dead:
            return Dead{
                std::move(error.type), std::move(from.reason).value_or(std::move(error.text))};
        case wire::Outcome::stopped:
            break;
    }
    return Stopped{};
}

Result<Settlement> settlement_of(wire::Settlement&& from, std::string_view path) {
    if (from.receipt.empty()) {
        return fail(Errc::invalid_argument, fmt::format("{}.receipt: is missing", path));
    }
    if (!from.outcome) {
        return fail(Errc::invalid_argument, fmt::format("{}.outcome: is missing", path));
    }
    const wire::Outcome outcome = *from.outcome;
    if (const auto problem = misplaced_member(from, outcome_name(outcome)); !problem.empty()) {
        return fail(Errc::invalid_argument, fmt::format("{}.{}", path, problem));
    }
    std::string receipt = std::move(from.receipt);
    return Settlement{std::move(receipt), outcome_of(std::move(from), outcome)};
}

/// Writes the members of an outcome.
class OutcomeWriter {
  public:
    explicit OutcomeWriter(JsonWriter& json) : json_(json) {}

    void operator()(const Completed& outcome) const {
        json_.member("outcome", "completed");
        if (!outcome.result.empty()) json_.key("result").raw(outcome.result);
    }
    void operator()(const Failed& outcome) const {
        json_.member("outcome", "failed");
        json_.key("error").begin_object().member("type", as_utf8(outcome.type));
        json_.member("text", as_utf8(outcome.text)).end_object();
        if (outcome.retry_after) write_member(json_, "retry_after", *outcome.retry_after);
    }
    void operator()(const Released&) const { json_.member("outcome", "released"); }
    void operator()(const Snoozed& outcome) const {
        json_.member("outcome", "snoozed");
        write_member(json_, "after", outcome.after);
    }
    void operator()(const Dead& outcome) const {
        json_.member("outcome", "dead");
        if (!outcome.type.empty()) {
            json_.key("error").begin_object().member("type", as_utf8(outcome.type)).end_object();
        }
        json_.member("reason", as_utf8(outcome.reason));
    }
    void operator()(const Stopped&) const { json_.member("outcome", "stopped"); }

  private:
    JsonWriter& json_;
};

void write_problem_object(JsonWriter& json, const Error& error) {
    const ProblemKind& kind = problem_kind(error.code());
    json.begin_object().member("type", "about:blank").member("title", kind.title);
    json.member("status", kind.status).member("detail", error.message());
    json.member("code", kind.name).end_object();
}

Error error_of(wire::Problem&& problem) {
    const Errc code = find_problem_code(problem.code, problem.status);
    return {code, problem.detail.empty() ? std::move(problem.title) : std::move(problem.detail)};
}

/// As settle/OUTCOME in a path says it.
template <class Body>
Result<wire::Settlement> read_single(std::string_view text, wire::Outcome outcome) {
    auto read = from_json_strictly<Body>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    wire::Settlement out;
    out.outcome = outcome;
    out.receipt = std::move(read->receipt);
    if constexpr (requires { read->result; }) out.result = std::move(read->result);
    if constexpr (requires { read->error; }) out.error = std::move(read->error);
    if constexpr (requires { read->retry_after; }) out.retry_after = read->retry_after;
    if constexpr (requires { read->after; }) out.after = read->after;
    if constexpr (requires { read->reason; }) out.reason = std::move(read->reason);
    return out;
}

}  // namespace

Result<ReceiveRequest> read_receive_request(std::string_view text) {
    auto read = from_json_strictly<wire::ReceiveRequest>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    ReceiveRequest request;
    request.jobs_max = read->jobs_max;
    request.lease = read->lease;
    request.wait = read->wait;
    request.worker = std::move(read->worker);
    request.worker_concurrency = read->worker_concurrency;
    request.worker_version = std::move(read->worker_version);
    return request;
}

std::string write_receive_request(const ReceiveRequest& request) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("jobs_max", request.jobs_max);
    write_member(json, "lease", request.lease);
    if (request.wait.count() != 0) write_member(json, "wait", request.wait);
    if (!request.worker.empty()) json.member("worker", request.worker);
    if (request.worker_concurrency != 0) {
        json.member("worker_concurrency", request.worker_concurrency);
    }
    if (!request.worker_version.empty()) json.member("worker_version", request.worker_version);
    json.end_object();
    return out;
}

Result<std::vector<Settlement>> read_settlements(std::string_view text) {
    auto read = from_json_strictly<wire::Settlements>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    std::vector<Settlement> out;
    out.reserve(read->settlements.size());
    for (std::size_t i = 0; i < read->settlements.size(); ++i) {
        auto one =
            settlement_of(std::move(read->settlements[i]), fmt::format("$.settlements[{}]", i));
        if (!one) return std::unexpected(std::move(one.error()));
        out.push_back(std::move(*one));
    }
    return out;
}

std::string write_settlements(std::span<const Settlement> settlements) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("settlements").begin_array();
    for (const Settlement& one : settlements) {
        json.begin_object().member("receipt", one.receipt);
        std::visit(OutcomeWriter(json), one.outcome);
        json.end_object();
    }
    json.end_array().end_object();
    return out;
}

Result<Settlement> read_settlement(std::string_view call, std::string_view text) {
    auto read = [&]() -> Result<wire::Settlement> {
        if (call == "complete") {
            return read_single<wire::Completion>(text, wire::Outcome::completed);
        }
        if (call == "fail") return read_single<wire::Failure>(text, wire::Outcome::failed);
        if (call == "release") return read_single<wire::Receipt>(text, wire::Outcome::released);
        if (call == "snooze") return read_single<wire::Snooze>(text, wire::Outcome::snoozed);
        if (call == "dead") return read_single<wire::Death>(text, wire::Outcome::dead);
        return read_single<wire::Receipt>(text, wire::Outcome::stopped);
    }();
    if (!read) return std::unexpected(std::move(read.error()));
    return settlement_of(std::move(*read), "$");
}

std::string write_problem(const Error& error) {
    std::string out;
    JsonWriter json(out);
    write_problem_object(json, error);
    return out;
}

Error read_problem(int status, std::string_view text) {
    auto problem = from_json_of_server<wire::Problem>(text);
    if (problem && problem->status != 0) return error_of(std::move(*problem));
    return {
        find_problem_code({}, status),
        fmt::format("the server answered {}: {}", status, shortened(text, shown_answer_bytes_max))};
}

Result<std::vector<Result<>>> read_results(std::string_view text) {
    auto read = from_json_of_server<wire::SettleResults>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    std::vector<Result<>> out;
    out.reserve(read->results.size());
    for (wire::Settled& one : read->results) {
        if (one.error) {
            out.emplace_back(std::unexpected(error_of(std::move(*one.error))));
        } else {
            out.emplace_back();
        }
    }
    return out;
}

std::string write_results(std::span<const Result<>> results) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("results").begin_array();
    for (const Result<>& one : results) {
        json.begin_object();
        if (one) {
            json.member("ok", true);
        } else {
            json.key("error");
            write_problem_object(json, one.error());
        }
        json.end_object();
    }
    json.end_array().end_object();
    return out;
}

Result<ExtendRequest> read_extend_request(std::string_view text) {
    auto read = from_json_strictly<wire::Extend>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    if (read->receipt.has_value() == read->receipts.has_value()) {
        return fail(Errc::invalid_argument, "$: either receipt or receipts is needed");
    }
    ExtendRequest request{.lease = read->lease, .single = read->receipt.has_value()};
    if (read->receipts) request.receipts = std::move(*read->receipts);
    if (read->receipt) request.receipts.push_back(std::move(*read->receipt));
    return request;
}

std::string write_extend_request(std::span<const std::string> receipts, Milliseconds lease) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("receipts").begin_array();
    for (const std::string& receipt : receipts)
        json.value(receipt);
    json.end_array();
    write_member(json, "lease", lease);
    json.end_object();
    return out;
}

Result<std::vector<Result<Extended>>> read_extended(std::string_view text) {
    auto read = from_json_of_server<wire::ExtendResults>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    std::vector<Result<Extended>> out;
    out.reserve(read->results.size());
    for (wire::Extended& one : read->results) {
        if (one.error) {
            out.emplace_back(std::unexpected(error_of(std::move(*one.error))));
        } else {
            const Extended extended{
                .lease_until = one.lease_until.value_or(TimePoint{}),
                .cancel_requested = one.cancel_requested.value_or(false)};
            out.emplace_back(extended);
        }
    }
    return out;
}

std::string write_extended(std::span<const Result<Extended>> results) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("results").begin_array();
    for (const Result<Extended>& one : results) {
        json.begin_object();
        if (one) {
            write_member(json, "lease_until", one->lease_until);
            json.member("cancel_requested", one->cancel_requested);
        } else {
            json.key("error");
            write_problem_object(json, one.error());
        }
        json.end_object();
    }
    json.end_array().end_object();
    return out;
}

}  // namespace tranter::jobs
