#include "providers/http_link.hpp"

#include "base/stop.hpp"
#include "jobs/wire_json.hpp"

#include <algorithm>

namespace tranter::providers {
namespace {

// Connections that nobody uses at the moment.
constexpr std::size_t idle_max = 64;
// A restart of the server should not be seen by calls that can be repeated.
constexpr std::chrono::milliseconds rests[] = {
    std::chrono::milliseconds(50), std::chrono::milliseconds(200), std::chrono::milliseconds(800)};
constexpr int status_unavailable = 503;
// The server says something every 15 s.
constexpr Duration silence_max = std::chrono::seconds(45);

bool timed_out(const Result<http::ClientResponse>& response) {
    return !response && response.error().code() == Errc::timed_out;
}

bool no_answer(const Result<http::ClientResponse>& response) {
    if (response) return response->status == status_unavailable;
    const Errc code = response.error().code();
    return code == Errc::unavailable || code == Errc::timed_out;
}

Error with_advice(const Error& error) {
    if (error.code() != Errc::unavailable) return error;
    return {error.code(), error.message() + "; is a Tranter server running there (tranter serve)"};
}

}  // namespace

Result<HttpAnswer> HttpLink::call(const HttpCall& call) {
    auto response = send(call);
    bool repeated = false;
    if (call.repeat == HttpCall::Repeat::yes) {
        bool hung = false;
        for (const auto time : rests) {
            if (!no_answer(response) || hung || !rest(time, closing_.get_token())) break;
            // The next attempt has a new connection; more would take too long.
            hung = timed_out(response);
            // Refused for now is not done.
            repeated = repeated || !response;
            response = send(call);
        }
    }
    if (closed()) return fail(Errc::unavailable, "the provider is closed");
    if (!response) return std::unexpected(with_advice(response.error()));
    if (response->status / 100 != 2) {
        return std::unexpected(jobs::read_problem(response->status, response->body));
    }
    return HttpAnswer{response->status, std::move(response->body), repeated};
}

Result<http::ClientResponse> HttpLink::send(const HttpCall& call) {
    if (closed()) return fail(Errc::cancelled, "the provider is closed");
    http::ClientRequest request = request_of(call.method, call.path);
    request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
    if (!call.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = call.body;
    request.timeout = call.timeout;
    request.farewell = call.farewell;
    const EitherStop either(call.stop, closing_.get_token());
    request.stop = either.token();
    auto client = take_client();
    auto response = client->send(request);
    give_back(std::move(client));
    return response;
}

Result<> HttpLink::stream(
    const std::string& path,
    const std::string& last_event_id,
    std::stop_token stop,
    std::function<bool(std::string_view)> take
) {
    http::ClientRequest request = request_of("GET", path);
    request.headers.emplace_back("Accept", "text/event-stream");
    if (!last_event_id.empty()) request.headers.emplace_back("Last-Event-ID", last_event_id);
    request.timeout = Duration::max();
    request.silence = silence_max;
    const EitherStop either(stop, closing_.get_token());
    request.stop = either.token();
    request.on_body = std::move(take);
    http::Client client;
    const auto response = client.send(request);
    if (!response) return std::unexpected(response.error());
    if (response->status / 100 == 2) return {};
    return std::unexpected(jobs::read_problem(response->status, response->body));
}

http::ClientRequest HttpLink::request_of(std::string_view method, const std::string& path) const {
    http::ClientRequest request;
    request.method = method;
    request.url = base_ + path;
    if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
    return request;
}

std::unique_ptr<http::Client> HttpLink::take_client() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<http::Client>();
    // The one that was used last: its connection is the most likely to be open still.
    auto client = std::move(idle_.back());
    idle_.pop_back();
    return client;
}

void HttpLink::give_back(std::unique_ptr<http::Client> client) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < idle_max) idle_.push_back(std::move(client));
}

}  // namespace tranter::providers
