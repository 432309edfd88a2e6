#pragma once

#include "base/error.hpp"
#include "http/message.hpp"

#include <string>
#include <string_view>

/// Answers of the Jobs API.
namespace tranter::admin {

http::Response json_reply(int status, std::string body);
/// application/problem+json. A store that does not let the server in has nothing against who calls.
http::Response problem_reply(const Error& error);
/// The same for what HTTP has a status for and the errors of calls have not.
http::Response problem_reply(int status, std::string_view title, std::string_view detail);

}  // namespace tranter::admin
