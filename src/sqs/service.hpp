#pragma once

#include "broker/broker.hpp"
#include "broker/settings.hpp"
#include "http/message.hpp"
#include "http/server.hpp"
#include "sqs/reply.hpp"
#include "sqs/request_counters.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::sqs {

/// Which of SQS's limits are checked (SQS_SPEC 14). relaxed lifts what ElasticMQ's mode of that
/// name lifts: name length, batch size, messages per receive, wait time, message size, number of
/// attributes, empty attribute values, number range and the characters of a body.
enum class Limits : std::uint8_t { strict, relaxed };

struct AuthOptions {
    /// false: every request is accepted, signed or not.
    bool required = false;
    std::map<std::string, std::string> keys{};  // access key id -> secret access key
    std::vector<std::string> regions{};         // a signature may name these; empty: any
};

struct ServiceOptions {
    Limits limits = Limits::strict;
    /// A queue that does not exist is made at its first use by any action except GetQueueUrl and
    /// DeleteQueue; a name that ends in ".fifo" makes a FIFO queue.
    bool auto_create = false;
    broker::QueueSettings auto_create_settings{};
    std::string region = "us-east-1";
    std::string account = "000000000000";
    /// scheme://host[:port] that queue URLs start with; empty: taken from each request's Host.
    std::string public_url{};
    /// "/a/b" or empty: between public_url and the account in queue URLs, and the routing prefix.
    std::string context_path{};
    /// Deliveries outstanding in a queue made through this front end; 0: no limit.
    std::uint32_t max_in_flight = 120'000;
    AuthOptions auth{};
};

/// A queue's attributes as GetQueueAttributes shows them for All, for whoever shows queues without
/// a request.
std::vector<std::pair<std::string, std::string>> queue_attributes(
    const ServiceOptions& options, broker::Broker& broker, const broker::Queue& queue
);

/// The SQS front end: both wire protocols (AWS JSON 1.0 and AWS Query) over one implementation of
/// each action. Stateless but for the options, so one object serves every I/O thread.
///
/// Purge and delete cool-downs are the broker's (BrokerOptions).
///
/// Names in QueueSettings::attributes: Policy, RedriveAllowPolicy, KmsMasterKeyId,
/// KmsDataKeyReusePeriodSeconds, SqsManagedSseEnabled, DeduplicationScope, FifoThroughputLimit,
/// each with the text that GetQueueAttributes shows; an absent one has its default.
class Service {
  public:
    /// The broker outlives the service and every reply that is under way.
    Service(ServiceOptions options, broker::Broker& broker);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Answers one request now or, for long polls and durable changes, later. Never throws for
    /// anything that a client sent.
    void handle(const http::Request& request, http::Exchange exchange);
    void handle(const http::Request& request, Reply reply);

    /// What was answered so far, for metrics. Thread-safe.
    std::vector<RequestCounters::Count> requests() const;
    std::vector<RequestCounters::Durations> durations() const;

  private:
    struct Core;
    std::unique_ptr<const Core> core_;
};

}  // namespace tranter::sqs
