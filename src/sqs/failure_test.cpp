#include "sqs/failure.hpp"

#include <gtest/gtest.h>

namespace tranter::sqs {
namespace {

struct Expected {
    Code code;
    int status;
    const char* shape;
    const char* legacy;
};

// The table of SQS_SPEC 1.6, written down a second time.
TEST(FailureTest, CodesAreSpelledAsSqsSpellsThem) {
    using enum Code;
    const Expected table[] = {
        {queue_does_not_exist, 400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
        {queue_name_exists, 400, "QueueNameExists", "QueueAlreadyExists"},
        {queue_deleted_recently,
         400,
         "QueueDeletedRecently",
         "AWS.SimpleQueueService.QueueDeletedRecently"},
        {purge_queue_in_progress,
         403,
         "PurgeQueueInProgress",
         "AWS.SimpleQueueService.PurgeQueueInProgress"},
        {over_limit, 403, "OverLimit", "OverLimit"},
        {resource_not_found, 404, "ResourceNotFoundException", "ResourceNotFoundException"},
        {receipt_handle_is_invalid, 400, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"},
        {message_not_inflight,
         400,
         "MessageNotInflight",
         "AWS.SimpleQueueService.MessageNotInflight"},
        {invalid_parameter_value, 400, "InvalidParameterValueException", "InvalidParameterValue"},
        {missing_parameter, 400, "MissingRequiredParameterException", "MissingParameter"},
        {invalid_attribute_name, 400, "InvalidAttributeName", "InvalidAttributeName"},
        {invalid_attribute_value, 400, "InvalidAttributeValue", "InvalidAttributeValue"},
        {invalid_message_contents, 400, "InvalidMessageContents", "InvalidMessageContents"},
        {empty_batch_request, 400, "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"},
        {too_many_entries_in_batch_request,
         400,
         "TooManyEntriesInBatchRequest",
         "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
        {batch_entry_ids_not_distinct,
         400,
         "BatchEntryIdsNotDistinct",
         "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
        {invalid_batch_entry_id,
         400,
         "InvalidBatchEntryId",
         "AWS.SimpleQueueService.InvalidBatchEntryId"},
        {batch_request_too_long,
         400,
         "BatchRequestTooLong",
         "AWS.SimpleQueueService.BatchRequestTooLong"},
        {unsupported_operation,
         400,
         "UnsupportedOperation",
         "AWS.SimpleQueueService.UnsupportedOperation"},
        {invalid_address, 400, "InvalidAddress", "InvalidAddress"},
        {invalid_client_token_id, 403, "InvalidClientTokenId", "InvalidClientTokenId"},
        {signature_does_not_match, 403, "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
        {incomplete_signature, 400, "IncompleteSignature", "IncompleteSignature"},
        {missing_authentication_token,
         403,
         "MissingAuthenticationToken",
         "MissingAuthenticationToken"},
        {access_denied, 403, "AccessDenied", "AccessDenied"},
        {request_expired, 400, "RequestExpired", "RequestExpired"},
        {internal_failure, 500, "InternalFailure", "InternalFailure"},
        {service_unavailable, 503, "ServiceUnavailable", "ServiceUnavailable"},
    };
    for (const Expected& expected : table) {
        EXPECT_EQ(info(expected.code).status, expected.status) << expected.legacy;
        EXPECT_EQ(info(expected.code).shape, std::string("com.amazonaws.sqs#") + expected.shape);
        EXPECT_EQ(info(expected.code).legacy, expected.legacy);
    }
    EXPECT_EQ(info(invalid_action).shape, "com.amazon.coral.service#UnknownOperationException");
    EXPECT_EQ(info(invalid_action).legacy, "InvalidAction");
}

TEST(FailureTest, OnlyTheServersOwnMistakesAreTheReceivers) {
    EXPECT_EQ(fault_name(info(Code::internal_failure).fault), "Receiver");
    EXPECT_EQ(fault_name(info(Code::service_unavailable).fault), "Receiver");
    EXPECT_EQ(fault_name(info(Code::over_limit).fault), "Sender");
}

TEST(FailureTest, TextsAreThoseThatClientsCompare) {
    EXPECT_EQ(no_such_queue().message, "The specified queue does not exist.");
    EXPECT_EQ(
        missing("MessageBody").message, "The request must contain the parameter MessageBody."
    );
    EXPECT_EQ(
        invalid_value("11", "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
            .message,
        "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, "
        "if provided."
    );
    EXPECT_EQ(unknown_attribute("Foobar").message, "Unknown Attribute Foobar.");
    EXPECT_EQ(
        invalid_receipt("garbage").message,
        "The input receipt handle \"garbage\" is not a valid receipt handle."
    );
    EXPECT_EQ(
        invalid_characters().message,
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
        "#xE000 to #xFFFD | #x10000 to #x10FFFF"
    );
}

}  // namespace
}  // namespace tranter::sqs
