#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <tranter/provider.hpp>

#include <memory>
#include <string_view>

namespace tranter::providers {

class SqsEndpoint;
struct SqsUrl;

/// Jobs in the queues of Amazon SQS, or of a server that speaks its protocol: Tranter's own,
/// ElasticMQ, LocalStack, ...
///
///     sqs:https://sqs.eu-west-1.amazonaws.com/123456789012          queues are named by the calls
///     sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/mail     only this one
///     sqs:http://127.0.0.1:9324/000000000000?default_type=mail
///
/// Credentials and region are found where AWS tools look for them; a server on this machine needs
/// none. Nothing is sent before the first call.
///
/// A job is a message: its body is the payload, the attributes `type` and `tranter.options` say the
/// rest, and any SQS consumer can read it. A message of another sender is a job too: its type is
/// its attribute `type`, else the `default_type` of the URL, else "message", and a body that is no
/// JSON becomes a JSON string.
///
/// What differs from the other stores, because SQS is as it is:
/// - SQS finds no message by its id. Whatever needs that is `unsupported`: find, list, cancel,
///   retry, promote, wait, history; so are pausing, limits, priorities, steps, progress, logs and
///   events. An id that the caller chose travels along, but does not make a repeated request safe.
/// - Times are whole seconds, rounded up. A delay is 15 minutes at most; a retry or snooze becomes
///   due 12 hours after the job was received at the latest, and no delivery lasts longer.
/// - Standard queues refuse `dedup`, FIFO queues know mode `simple` with the five minutes of SQS,
///   and do not tell whether a job was one. FIFO queues are not made here, need a group and refuse
///   delays; a job that waits for its next attempt holds up its group.
/// - An attempt is a delivery. This process does not count those that it released or snoozed,
///   others do; but none dies of that (see settle_in_sqs()).
/// - enqueue() sends ten jobs with a call and is not atomic: its error says which were sent. A job
///   is 1 MiB at most with its attributes, or what MaximumMessageSize of the queue says.
/// - A queue that is not there is made by the first enqueue, with a dead-letter queue NAME-dlq that
///   SQS itself fills after 25 receives. When the URL names a queue nothing is made. A queue that
///   is there keeps its own RedrivePolicy: its maxReceiveCount is how often a job is tried that
///   does not say so, and more attempts are `unsupported`.
/// - A dead job is sent to the dead-letter queue with its reason (`tranter.error`) and then
///   deleted. Without a dead-letter queue it is kept in its queue, hidden for 12 hours.
///
/// `invalid_argument` for a wrong URL.
[[nodiscard]] Result<std::shared_ptr<Provider>> make_sqs_provider(
    std::string_view url, const ProviderOptions& options
);

/// The same over any endpoint and with any clock, for tests.
std::shared_ptr<Provider> make_sqs_provider(
    SqsUrl url, std::unique_ptr<SqsEndpoint> endpoint, std::unique_ptr<Clock> clock
);

}  // namespace tranter::providers
