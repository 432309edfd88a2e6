#include "handlers/http_handler.hpp"

#include "handlers/child_message.hpp"
#include "handlers/result_text.hpp"
#include "http/client.hpp"

#include <tranter/exception.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace tranter::handlers {
namespace {

constexpr std::size_t text_in_reason = 500;
constexpr std::int64_t retry_after_max = 86'400;

/// Connections that wait for the next request.
class ClientPool {
  public:
    http::Client take() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return {};
        http::Client client = std::move(idle_.back());
        idle_.pop_back();
        return client;
    }
    void give(http::Client client) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(client));
    }

  private:
    std::mutex mutex_;
    std::vector<http::Client> idle_;  // guarded by mutex_
};

const std::string* find_header(const http::ClientResponse& answer, std::string_view name) {
    const auto found = std::ranges::find_if(answer.headers, [&](const auto& header) {
        return header.first == name;
    });
    return found == answer.headers.end() ? nullptr : &found->second;
}

/// Seconds; the form with a date is left to the retry policy, since clocks differ.
std::optional<Milliseconds> retry_after(const http::ClientResponse& answer) {
    const std::string* value = find_header(answer, "retry-after");
    if (value == nullptr) return std::nullopt;
    std::int64_t seconds = 0;
    const char* const end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, seconds);
    if (read.ec == std::errc::result_out_of_range && !value->starts_with('-')) {
        seconds = retry_after_max;
    } else if (read.ec != std::errc{} || read.ptr != end || seconds < 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, retry_after_max));
}

std::string describe(const http::ClientResponse& answer) {
    std::string text = fmt::format("HTTP {}", answer.status);
    if (!answer.body.empty()) text += ": " + answer.body.substr(0, text_in_reason);
    return text;
}

AttemptOutcome outcome_of_answer(const http::ClientResponse& answer) {
    const int status = answer.status;
    if (status >= 200 && status < 300) {
        if (!answer.is_cut) return completed_with_text(answer.body);
        return Dead{
            .type = "result_too_large",
            .reason = fmt::format("the answer has more than {} bytes", result_bytes_max)};
    }
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
        return Failed{.type = "http", .text = describe(answer), .retry_after = retry_after(answer)};
    }
    return Dead{.type = "http", .reason = describe(answer)};
}

AttemptOutcome outcome_of_error(const Error& error, const Context& context) {
    switch (error.code()) {
        case Errc::cancelled:
            return stopped_outcome(context);
        case Errc::permission_denied:
            return Dead{
                .type = "forbidden_address",
                .reason = error.message() +
                          "; if it should be, name its subnet in allow_addresses of the handler"};
        case Errc::invalid_argument:
            return Dead{.type = "http", .reason = error.message()};
        default:
            return Failed{.type = "http", .text = error.message()};
    }
}

class Endpoint {
  public:
    Endpoint(HttpOptions options, std::function<Instant()> wall_clock)
        : options_(std::move(options)), wall_clock_(std::move(wall_clock)) {}

    AttemptOutcome do_job(Context& context) {
        http::ClientRequest request{
            .method = "POST",
            .url = options_.url,
            .headers = options_.headers,
            .body = job_json(context),
            .timeout = options_.timeout,
            .body_bytes_max = result_bytes_max,
            .cuts_body = true,
            .may_connect = [this](const sockaddr& to
                           ) { return options_.addresses.may_connect(to); },
            .stop = context.stop_token()};
        const std::string id =
            fmt::format("{}.{}.{}", context.id(), context.attempt(), context.run());
        const std::int64_t now = unix_seconds(wall_clock_());
        request.headers.emplace_back("Content-Type", "application/json");
        request.headers.emplace_back("webhook-id", id);
        request.headers.emplace_back("webhook-timestamp", std::to_string(now));
        if (!options_.secrets.empty()) {
            request.headers.emplace_back(
                "webhook-signature", webhook_signature(options_.secrets, id, now, request.body)
            );
        }
        if (!context.traceparent().empty()) {
            request.headers.emplace_back("traceparent", context.traceparent());
        }
        if (!context.tracestate().empty()) {
            request.headers.emplace_back("tracestate", context.tracestate());
        }
        http::Client client = clients_.take();
        const auto answer = client.send(request);
        if (!answer) return outcome_of_error(answer.error(), context);
        clients_.give(std::move(client));
        return outcome_of_answer(*answer);
    }

  private:
    const HttpOptions options_;
    const std::function<Instant()> wall_clock_;
    ClientPool clients_;
};

}  // namespace

RunHandler make_http_handler(HttpOptions options, std::function<Instant()> wall_clock) {
    if (auto checked = http::check_url(options.url); !checked) throw Exception(checked.error());
    auto endpoint = std::make_shared<Endpoint>(std::move(options), std::move(wall_clock));
    return [endpoint](Context& context) {
        return endpoint->do_job(context);
    };
}

}  // namespace tranter::handlers
