#include "providers/sqs_connections.hpp"

#include "base/uuid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <utility>

namespace tranter::providers {

namespace {

constexpr std::string_view default_sqs_region = "us-east-1";
constexpr std::size_t idle_connections_max = 64;
constexpr int sqs_tries_max = 7;
constexpr std::chrono::milliseconds first_rest(100);
constexpr std::chrono::milliseconds longest_rest(3200);
// Keys that are refused are not looked for with every call.
constexpr std::chrono::seconds credentials_rest(10);

/// Refused before anything was done, or the server's own fault and said so.
bool is_worth_another_try(const Error& error) {
    constexpr auto codes = std::to_array<std::string_view>(
        {"Throttl", "ServiceUnavailable", "InternalFailure", "InternalError", "SlowDown"}
    );
    return std::ranges::any_of(codes, [&](auto code) { return error.message().contains(code); });
}

/// Half of it at random, so that those who were refused together do not come back together.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds rest) {
    const Uuid random = make_uuid();
    return rest / 2 + rest * random[0] / 512;
}

/// False when it was stopped.
bool rest_for(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace

Result<std::unique_ptr<SqsConnections>> SqsConnections::open(const aws::ServiceUrl& endpoint) {
    const auto settings = load_settings();
    if (!settings) return std::unexpected(settings.error());
    std::unique_ptr<SqsConnections> connections(new SqsConnections(endpoint));
    connections->region_ = settings->region().value_or(std::string(default_sqs_region));
    // What the host name says is what its signatures have to name.
    if (auto named = endpoint.aws_region()) connections->region_ = *named;
    return connections;
}

Result<aws::AwsSettings> SqsConnections::load_settings() {
    return aws::AwsSettings::load(
        {.environment = [](const std::string& name) { return std::getenv(name.c_str()); },
         .fetch =
             [](const http::ClientRequest& request) {
                 http::Client client;
                 return client.send(request);
             }}
    );
}

Result<> SqsConnections::find_credentials() {
    found_at_ = clock_.now();
    const auto settings = load_settings();
    if (!settings) return std::unexpected(settings.error());
    auto found = aws::credentials_for(*settings, endpoint_);
    if (!found) return std::unexpected(found.error());
    const bool same = generation_ != 0 && found->access_key == credentials_.access_key &&
                      found->secret_key == credentials_.secret_key &&
                      found->session_token == credentials_.session_token;
    if (same) return {};
    credentials_ = std::move(*found);
    ++generation_;
    return {};
}

bool SqsConnections::renew_credentials(unsigned generation) {
    const std::lock_guard lock(credentials_mutex_);
    if (generation_ == generation && clock_.now() - found_at_ > credentials_rest) {
        // When it fails, the server's own refusal says more.
        [[maybe_unused]] const auto found = find_credentials();
    }
    return generation_ != generation;
}

Result<SqsConnections::Pointer> SqsConnections::connect() {
    Pointer connection;
    {
        const std::lock_guard lock(idle_mutex_);
        if (!idle_.empty()) {
            connection = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    const std::lock_guard lock(credentials_mutex_);
    if (generation_ == 0) {
        if (auto found = find_credentials(); !found) return std::unexpected(found.error());
    }
    if (!connection) {
        aws::SqsClient client(
            {.endpoint = endpoint_,
             .region = region_,
             .credentials = credentials_,
             .attempts_max = 1}
        );
        connection = std::make_unique<Connection>(std::move(client), generation_);
    } else if (connection->generation != generation_) {
        connection->client.set_credentials(credentials_);
        connection->generation = generation_;
    }
    return connection;
}

Result<aws::Json> SqsConnections::call_once(const SqsCall& call) {
    while (true) {
        auto connection = connect();
        if (!connection) return std::unexpected(connection.error());
        auto answer = (*connection)->client.call(call.action, call.input, call.wait, call.stop);
        const unsigned generation = (*connection)->generation;
        {
            const std::lock_guard lock(idle_mutex_);
            if (idle_.size() < idle_connections_max) idle_.push_back(std::move(*connection));
        }
        const bool refused = !answer && answer.error().code() == Errc::unauthenticated;
        if (!refused || !renew_credentials(generation)) return answer;
    }
}

Result<aws::Json> SqsConnections::call(const SqsCall& call) {
    std::chrono::milliseconds rest = first_rest;
    for (int tries = 1;; ++tries) {
        auto answer = call_once(call);
        if (answer) return answer;
        const Error& error = answer.error();
        const bool again = tries < sqs_tries_max && is_worth_another_try(error);
        if (!again || !rest_for(with_jitter(rest), call.stop)) {
            return fail(
                error.code(), fmt::format("{} at {}: {}", call.action, name(), error.message())
            );
        }
        rest = std::min(rest * 2, longest_rest);
    }
}

}  // namespace tranter::providers
