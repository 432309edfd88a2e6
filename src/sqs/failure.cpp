#include "sqs/failure.hpp"

#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace tranter::sqs {

namespace {

/// A class, so that the enumerators can stand there without their enum's name.
struct Table {
    using enum Code;
    using enum Fault;
    static constexpr std::array codes{
        CodeInfo{
            queue_does_not_exist,
            400,
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            sender},
        CodeInfo{
            queue_name_exists,
            400,
            "com.amazonaws.sqs#QueueNameExists",
            "QueueAlreadyExists",
            sender},
        CodeInfo{
            queue_deleted_recently,
            400,
            "com.amazonaws.sqs#QueueDeletedRecently",
            "AWS.SimpleQueueService.QueueDeletedRecently",
            sender},
        CodeInfo{
            purge_queue_in_progress,
            403,
            "com.amazonaws.sqs#PurgeQueueInProgress",
            "AWS.SimpleQueueService.PurgeQueueInProgress",
            sender},
        CodeInfo{over_limit, 403, "com.amazonaws.sqs#OverLimit", "OverLimit", sender},
        CodeInfo{
            resource_not_found,
            404,
            "com.amazonaws.sqs#ResourceNotFoundException",
            "ResourceNotFoundException",
            sender},
        CodeInfo{
            receipt_handle_is_invalid,
            400,
            "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            sender},
        CodeInfo{
            message_not_inflight,
            400,
            "com.amazonaws.sqs#MessageNotInflight",
            "AWS.SimpleQueueService.MessageNotInflight",
            sender},
        CodeInfo{
            invalid_parameter_value,
            400,
            "com.amazonaws.sqs#InvalidParameterValueException",
            "InvalidParameterValue",
            sender},
        CodeInfo{
            missing_parameter,
            400,
            "com.amazonaws.sqs#MissingRequiredParameterException",
            "MissingParameter",
            sender},
        CodeInfo{
            invalid_attribute_name,
            400,
            "com.amazonaws.sqs#InvalidAttributeName",
            "InvalidAttributeName",
            sender},
        CodeInfo{
            invalid_attribute_value,
            400,
            "com.amazonaws.sqs#InvalidAttributeValue",
            "InvalidAttributeValue",
            sender},
        CodeInfo{
            invalid_message_contents,
            400,
            "com.amazonaws.sqs#InvalidMessageContents",
            "InvalidMessageContents",
            sender},
        CodeInfo{
            empty_batch_request,
            400,
            "com.amazonaws.sqs#EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            sender},
        CodeInfo{
            too_many_entries_in_batch_request,
            400,
            "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            sender},
        CodeInfo{
            batch_entry_ids_not_distinct,
            400,
            "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            sender},
        CodeInfo{
            invalid_batch_entry_id,
            400,
            "com.amazonaws.sqs#InvalidBatchEntryId",
            "AWS.SimpleQueueService.InvalidBatchEntryId",
            sender},
        CodeInfo{
            batch_request_too_long,
            400,
            "com.amazonaws.sqs#BatchRequestTooLong",
            "AWS.SimpleQueueService.BatchRequestTooLong",
            sender},
        CodeInfo{
            unsupported_operation,
            400,
            "com.amazonaws.sqs#UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
            sender},
        CodeInfo{
            invalid_address, 400, "com.amazonaws.sqs#InvalidAddress", "InvalidAddress", sender},
        CodeInfo{
            invalid_action,
            400,
            "com.amazon.coral.service#UnknownOperationException",
            "InvalidAction",
            sender},
        CodeInfo{
            missing_action, 400, "com.amazon.coral.service#MissingAction", "MissingAction", sender},
        CodeInfo{
            malformed_query_string,
            400,
            "com.amazon.coral.service#MalformedQueryString",
            "MalformedQueryString",
            sender},
        CodeInfo{
            serialization,
            400,
            "com.amazon.coral.service#SerializationException",
            "SerializationException",
            sender},
        CodeInfo{
            unsupported_media_type,
            415,
            "com.amazon.coral.service#UnsupportedMediaTypeException",
            "UnsupportedMediaType",
            sender},
        CodeInfo{
            invalid_client_token_id,
            403,
            "com.amazonaws.sqs#InvalidClientTokenId",
            "InvalidClientTokenId",
            sender},
        CodeInfo{
            signature_does_not_match,
            403,
            "com.amazonaws.sqs#SignatureDoesNotMatch",
            "SignatureDoesNotMatch",
            sender},
        CodeInfo{
            incomplete_signature,
            400,
            "com.amazonaws.sqs#IncompleteSignature",
            "IncompleteSignature",
            sender},
        CodeInfo{
            missing_authentication_token,
            403,
            "com.amazonaws.sqs#MissingAuthenticationToken",
            "MissingAuthenticationToken",
            sender},
        CodeInfo{access_denied, 403, "com.amazonaws.sqs#AccessDenied", "AccessDenied", sender},
        CodeInfo{
            request_expired, 400, "com.amazonaws.sqs#RequestExpired", "RequestExpired", sender},
        CodeInfo{
            internal_failure,
            500,
            "com.amazonaws.sqs#InternalFailure",
            "InternalFailure",
            receiver},
        CodeInfo{
            service_unavailable,
            503,
            "com.amazonaws.sqs#ServiceUnavailable",
            "ServiceUnavailable",
            receiver},
    };
};
constexpr auto& codes = Table::codes;

constexpr bool in_order() {
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (static_cast<std::size_t>(codes[i].code) != i) return false;
    }
    return codes.size() == static_cast<std::size_t>(Code::service_unavailable) + 1;
}
static_assert(in_order(), "one row for each Code, in the order of the enumerators");

}  // namespace

const CodeInfo& info(Code code) {
    return codes[static_cast<std::size_t>(code)];
}

std::string_view fault_name(Fault fault) {
    return fault == Fault::sender ? "Sender" : "Receiver";
}

Failed failed(Code code, std::string message) {
    return Failed(Failure{code, std::move(message)});
}

Failure no_such_queue() {
    return {Code::queue_does_not_exist, "The specified queue does not exist."};
}

Failure missing(std::string_view parameter) {
    return {
        Code::missing_parameter,
        fmt::format("The request must contain the parameter {}.", shortened(parameter))};
}

Failure invalid_value(std::string_view value, std::string_view parameter, std::string_view reason) {
    return {
        Code::invalid_parameter_value,
        fmt::format(
            "Value {} for parameter {} is invalid. Reason: {}",
            shortened(value, 1024),
            parameter,
            reason
        )};
}

Failure unknown_attribute(std::string_view name) {
    return {Code::invalid_attribute_name, fmt::format("Unknown Attribute {}.", shortened(name))};
}

Failure invalid_receipt(std::string_view handle) {
    return {
        Code::receipt_handle_is_invalid,
        fmt::format(
            "The input receipt handle \"{}\" is not a valid receipt handle.",
            shortened(handle, 1024)
        )};
}

Failure invalid_characters() {
    return {
        Code::invalid_message_contents,
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF "
        "| #xE000 to #xFFFD | #x10000 to #x10FFFF"};
}

Failure from_error(const Error& error) {
    switch (error.code()) {
        case Errc::not_found:
            return no_such_queue();
        case Errc::invalid_argument:
            return {Code::invalid_parameter_value, error.message()};
        case Errc::limit_exceeded:
            return {Code::over_limit, error.message()};
        case Errc::unavailable:
        case Errc::timed_out:
        case Errc::cancelled:
            return {Code::service_unavailable, error.message()};
        case Errc::unauthenticated:
        case Errc::permission_denied:
            return {Code::access_denied, error.message()};
        case Errc::unsupported:
            return {Code::unsupported_operation, error.message()};
        case Errc::already_exists:
        case Errc::conflict:
        case Errc::corrupted:
        case Errc::internal:
            break;
    }
    return {Code::internal_failure, error.message()};
}

}  // namespace tranter::sqs
