#pragma once

#include "admin/jobs_schema.hpp"
#include "base/error.hpp"
#include "http/server.hpp"

#include <tranter/provider.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tranter::admin {

class JobsApi;
class SchedulesApi;
struct JobRoute;

/// One request to the Jobs API, on its own legs: it outlives the HTTP request.
struct JobCall {
    const JobRoute* route = nullptr;
    std::string queue{};                                      // of the path, decoded
    std::string id{};                                         // of a job, or the name of a schedule
    std::map<std::string, std::string, std::less<>> query{};  // decoded
    std::string body{};  // only of calls that leave the I/O thread
    std::string idempotency_key{};
    std::string last_event_id{};
    std::string traceparent{};  // of the request's header, and so is tracestate
    std::string tracestate{};
};

/// One line of the API: what is dispatched, and what the OpenAPI document says, come from here.
struct JobRoute {
    std::string_view method;
    std::string_view path;  // with {queue}, {id} and {name}
    std::string_view operation;
    std::string_view summary;
    std::string_view query{};              // names of parameters, separated by blanks
    SchemaBook::Write request = nullptr;   // null: no body
    SchemaBook::Write response = nullptr;  // null: what the document says of it is its own affair
    int status = 200;
    // One of them:
    /// On the I/O thread: must not block. `body` is valid until it returns.
    void (JobsApi::*direct
    )(JobCall&& call, std::string_view body, http::Exchange exchange) = nullptr;
    /// On a thread of the pool.
    http::Response (JobsApi::*pooled)(const JobCall& call) = nullptr;
    /// On a thread of those for schedules.
    http::Response (SchedulesApi::*scheduling)(const JobCall& call) = nullptr;
};

/// All of them.
std::span<const JobRoute> job_routes();
/// Those of schedules and jobs for later.
std::span<const JobRoute> schedule_routes();

/// The last part of a route's path.
std::string_view action_of(const JobRoute& route);

/// Finds the route and takes the path apart. Answers with 404 or 405 otherwise.
[[nodiscard]] std::expected<JobCall, http::Response> match_route(
    std::string_view method, std::string_view path
);

/// Decodes the query. `invalid_argument` for names that the route does not know, and repeated ones.
[[nodiscard]] Result<std::map<std::string, std::string, std::less<>>> read_query(
    const JobRoute& route, std::string_view query
);

/// The OpenAPI 3.1 document.
std::string openapi_document(std::string_view version);

}  // namespace tranter::admin
