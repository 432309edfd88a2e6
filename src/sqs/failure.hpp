#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::sqs {

/// Every error that SQS names (SQS_SPEC 1.6). A row of the table in failure.cpp says how each is
/// spelled on the wire.
enum class Code : std::uint8_t {
    queue_does_not_exist,
    queue_name_exists,
    queue_deleted_recently,
    purge_queue_in_progress,
    over_limit,
    resource_not_found,
    receipt_handle_is_invalid,
    message_not_inflight,
    invalid_parameter_value,
    missing_parameter,
    invalid_attribute_name,
    invalid_attribute_value,
    invalid_message_contents,
    empty_batch_request,
    too_many_entries_in_batch_request,
    batch_entry_ids_not_distinct,
    invalid_batch_entry_id,
    batch_request_too_long,
    unsupported_operation,
    invalid_address,
    invalid_action,
    missing_action,
    malformed_query_string,
    serialization,
    unsupported_media_type,
    invalid_client_token_id,
    signature_does_not_match,
    incomplete_signature,
    missing_authentication_token,
    access_denied,
    request_expired,
    internal_failure,
    service_unavailable,
};

/// Whose mistake it was: SDKs retry only what the receiver broke.
enum class Fault : std::uint8_t { sender, receiver };

struct CodeInfo {
    Code code;
    int status;
    std::string_view shape;   // JSON: `__type`, with its name space
    std::string_view legacy;  // XML <Code>, x-amzn-query-error and Failed[].Code
    Fault fault;
};
const CodeInfo& info(Code code);
std::string_view fault_name(Fault fault);  // "Sender", "Receiver"

/// What a client is told went wrong.
struct Failure {
    Code code = Code::internal_failure;
    std::string message{};

    bool operator==(const Failure&) const = default;
};

template <class T = void>
using Outcome = std::expected<T, Failure>;
using Failed = std::unexpected<Failure>;

[[nodiscard]] Failed failed(Code code, std::string message);

// Texts that several actions share; clients compare them, so they stand in one place.
[[nodiscard]] Failure no_such_queue();
[[nodiscard]] Failure missing(std::string_view parameter);
/// `Value V for parameter P is invalid. Reason: R`
[[nodiscard]] Failure invalid_value(
    std::string_view value, std::string_view parameter, std::string_view reason
);
[[nodiscard]] Failure unknown_attribute(std::string_view name);
[[nodiscard]] Failure invalid_receipt(std::string_view handle);
[[nodiscard]] Failure invalid_characters();
/// What the broker said, for those failures that no action gives a meaning of its own.
[[nodiscard]] Failure from_error(const Error& error);

}  // namespace tranter::sqs
