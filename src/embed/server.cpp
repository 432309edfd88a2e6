#include "http/server.hpp"

#include "base/error.hpp"
#include "base/time.hpp"
#include "broker/broker.hpp"
#include "embed/event_thread.hpp"
#include "sqs/service.hpp"

#include <tranter/server.hpp>

#include <sys/random.h>

#include <chrono>
#include <utility>

namespace tranter {

namespace {

constexpr Duration drain_grace = std::chrono::seconds(1);

bool is_loopback(const std::string& address) {
    return address == "localhost" || address == "::1" || address.starts_with("127.");
}

broker::BrokerOptions broker_options() {
    broker::BrokerOptions options;
    auto& key = options.receipt_key;
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
        throw SystemError("the kernel gives no random bytes for the receipt key");
    }
    return options;
}

sqs::ServiceOptions service_options(const EmbeddedServerOptions& options) {
    sqs::ServiceOptions out;
    out.limits = options.strict_limits ? sqs::Limits::strict : sqs::Limits::relaxed;
    out.auto_create = options.auto_create;
    return out;
}

http::ServerOptions http_options(const EmbeddedServerOptions& options) {
    if (!is_loopback(options.address)) {
        throw SystemError(
            "address is " + options.address + ", an embedded server listens on loopback only"
        );
    }
    http::ServerOptions out;
    out.address = options.address;
    out.port = options.port;
    out.threads = options.threads;
    return out;
}

}  // namespace

/// In order of construction, which is the reverse of what depends on what.
class EmbeddedServer::Impl {
  public:
    explicit Impl(const EmbeddedServerOptions& options)
        : address_(options.address),
          broker_(broker_options(), clock_, journal_),
          service_(service_options(options), broker_),
          events_(broker_),
          http_(
              http_options(options),
              [this](const http::Request& request, http::Exchange exchange) {
                  service_.handle(request, std::move(exchange));
              }
          ) {
        http_.start();
    }

    ~Impl() {
        broker_.stop();
        http_.stop(drain_grace);
    }

    std::uint16_t port() const { return http_.port(); }

    std::string url() const {
        const std::string host = address_ == "::1" ? "[::1]" : address_;
        return "http://" + host + ":" + std::to_string(port());
    }

  private:
    const std::string address_;
    const SteadyClock clock_;
    broker::NullJournal journal_;
    broker::Broker broker_;
    sqs::Service service_;
    embed::EventThread events_;
    http::Server http_;
};

EmbeddedServer::EmbeddedServer(const EmbeddedServerOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}

EmbeddedServer::~EmbeddedServer() = default;

std::uint16_t EmbeddedServer::port() const {
    return impl_->port();
}

std::string EmbeddedServer::url() const {
    return impl_->url();
}

}  // namespace tranter
