#pragma once

#include "broker/broker.hpp"
#include "sqs/output.hpp"
#include "sqs/receive_filter.hpp"
#include "sqs/service.hpp"

#include <span>

namespace tranter::sqs {

/// Which parts of a message a receive asked for.
struct DeliveryView {
    SystemAttributeFilter system;
    MessageAttributeFilter user;
};

/// Where the messages come from and what of them is shown.
struct DeliveryContext {
    const ServiceOptions& options;
    broker::Broker& broker;
    const broker::Queue& queue;
    const DeliveryView& view;
};

/// Writes the `Messages` of an answer; nothing at all when there are none.
void write_deliveries(
    Output& output, const DeliveryContext& context, std::span<const engine::Delivery> deliveries
);

}  // namespace tranter::sqs
