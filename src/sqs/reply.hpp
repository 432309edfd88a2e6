#pragma once

#include "base/time.hpp"
#include "http/message.hpp"
#include "http/server.hpp"

#include <utility>
#include <variant>

namespace tranter::sqs {

/// What a Reply needs of whoever carries it. Tests and fuzz targets implement it to see answers
/// without a socket; production uses http::Exchange directly.
class ReplySink {
  public:
    virtual ~ReplySink() = default;
    virtual void respond(http::Response response, http::Exchange::Settled settled) = 0;
    virtual void on_disconnect(http::Exchange::Hook hook) = 0;
    virtual void on_deadline(Duration after, http::Exchange::Hook hook) = 0;
};

/// The right and the duty to answer one request, once: an http::Exchange or a test's sink.
class Reply {
  public:
    explicit Reply(http::Exchange exchange) : carrier_(std::move(exchange)) {}
    /// The sink outlives the reply.
    explicit Reply(ReplySink& sink) : carrier_(&sink) {}

    void respond(http::Response&& response) &&;
    /// `settled` learns whether the client got it (http::Exchange::Settled).
    void respond(http::Response&& response, http::Exchange::Settled&& settled) &&;
    /// Both only before the handler returns and before the reply is moved elsewhere.
    void on_disconnect(http::Exchange::Hook hook);
    void on_deadline(Duration after, http::Exchange::Hook hook);

  private:
    std::variant<http::Exchange, ReplySink*> carrier_;
};

}  // namespace tranter::sqs
