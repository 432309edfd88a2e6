#include "admin/jobs_reply.hpp"

#include "base/json_writer.hpp"
#include "jobs/problem.hpp"
#include "jobs/wire_json.hpp"

namespace tranter::admin {
namespace {

constexpr std::string_view problem_type = "application/problem+json";

http::Response plain_reply(int status, std::string_view type, std::string body) {
    http::Response response;
    response.status = status;
    response.content_type = type;
    response.headers = "Cache-Control: no-store\r\n";
    if (status == 429 || status == 503) response.headers += "Retry-After: 1\r\n";
    if (status == 401) response.headers += "WWW-Authenticate: Bearer\r\n";
    response.body = std::move(body);
    return response;
}

}  // namespace

http::Response json_reply(int status, std::string body) {
    return plain_reply(status, "application/json", std::move(body));
}

http::Response problem_reply(const Error& error) {
    if (error.code() == Errc::unauthenticated) {
        return problem_reply(Error(Errc::unavailable, error.message()));
    }
    const int status = jobs::problem_kind(error.code()).status;
    return plain_reply(status, problem_type, jobs::write_problem(error));
}

http::Response problem_reply(int status, std::string_view title, std::string_view detail) {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("type", "about:blank").member("title", title);
    json.member("status", status).member("detail", detail);
    json.member("code", jobs::problem_kind(jobs::find_problem_code({}, status)).name);
    json.end_object();
    return plain_reply(status, problem_type, std::move(body));
}

std::optional<http::Response> refusal(TokenGate::Verdict verdict) {
    switch (verdict) {
        case TokenGate::Verdict::pass:
            break;
        case TokenGate::Verdict::wrong:
            return problem_reply(401, "Not authenticated", token_text);
        case TokenGate::Verdict::too_many:
            return problem_reply(429, "Too many requests", too_many_text);
    }
    return std::nullopt;
}

}  // namespace tranter::admin
