#include "sqs/reply.hpp"

namespace tranter::sqs {

void Reply::respond(http::Response&& response) && {
    if (auto* exchange = std::get_if<http::Exchange>(&carrier_)) {
        std::move(*exchange).respond(std::move(response));
    } else {
        std::get<ReplySink*>(carrier_)->respond(std::move(response), {});
    }
}

void Reply::respond(http::Response&& response, http::Exchange::Settled&& settled) && {
    if (auto* exchange = std::get_if<http::Exchange>(&carrier_)) {
        std::move(*exchange).respond(std::move(response), std::move(settled));
    } else {
        std::get<ReplySink*>(carrier_)->respond(std::move(response), std::move(settled));
    }
}

void Reply::on_disconnect(http::Exchange::Hook hook) {
    if (auto* exchange = std::get_if<http::Exchange>(&carrier_)) {
        exchange->on_disconnect(std::move(hook));
    } else {
        std::get<ReplySink*>(carrier_)->on_disconnect(std::move(hook));
    }
}

void Reply::on_deadline(Duration after, http::Exchange::Hook hook) {
    if (auto* exchange = std::get_if<http::Exchange>(&carrier_)) {
        exchange->on_deadline(after, std::move(hook));
    } else {
        std::get<ReplySink*>(carrier_)->on_deadline(after, std::move(hook));
    }
}

}  // namespace tranter::sqs
