#pragma once

#include "admin/token_gate.hpp"
#include "base/error.hpp"
#include "http/message.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Answers of the Jobs API.
namespace tranter::admin {

http::Response json_reply(int status, std::string body);
/// application/problem+json. A store that does not let the server in has nothing against who calls.
http::Response problem_reply(const Error& error);
/// The same for what HTTP has a status for and the errors of calls have not.
http::Response problem_reply(int status, std::string_view title, std::string_view detail);
/// To whom the gate does not let pass; nothing to others.
std::optional<http::Response> refusal(TokenGate::Verdict verdict);

}  // namespace tranter::admin
