#pragma once

#include "http/message.hpp"
#include "sqs/failure.hpp"
#include "sqs/service.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// AWS Signature Version 4 (SQS_SPEC 13), the server's side.
namespace tranter::sqs {

using WallTime = std::chrono::sys_seconds;

/// Whether the request is signed by one of the configured keys, in its Authorization header or in
/// its URL (presigned). Returns the access key id.
///
/// Signatures must cover the body, `host` and every x-amz-* header that is present, so that nothing
/// that decides what happens can be exchanged. X-Amz-Date may be 15 minutes off. Static keys have
/// no session tokens, so one is refused. An unknown key costs the same time as a wrong signature.
[[nodiscard]] Outcome<std::string> authenticate(
    const http::Request& request, const AuthOptions& options, WallTime now
);

/// The access key id that a request names, checked or not; empty when it names none.
std::string_view claimed_access_key(const http::Request& request);

}  // namespace tranter::sqs
