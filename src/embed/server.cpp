#include "http/server.hpp"

#include "base/error.hpp"
#include "base/time.hpp"
#include "sqs/service.hpp"
#include "storage/event_thread.hpp"
#include "storage/machine.hpp"
#include "storage/storage.hpp"

#include <tranter/server.hpp>

#include <chrono>
#include <utility>

namespace tranter {

namespace {

constexpr Duration drain_grace = std::chrono::seconds(1);

bool is_loopback(const std::string& address) {
    return address == "localhost" || address == "::1" || address.starts_with("127.");
}

storage::StorageOptions storage_options(const EmbeddedServerOptions& options) {
    storage::StorageOptions out;
    out.broker.memory_limit = storage::machine_memory() / 2;
    if (options.durability == Durability::none) return out;
    out.directory = options.data_directory;
    out.durability =
        options.durability == Durability::os ? log::Durability::os : log::Durability::sync;
    return out;
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
          storage_(storage_options(options)),
          service_(service_options(options), storage_.broker()),
          events_(storage_.broker()),
          http_(
              http_options(options),
              [this](const http::Request& request, http::Exchange exchange) {
                  service_.handle(request, std::move(exchange));
              }
          ) {
        storage_.start();
        http_.start();
    }

    ~Impl() {
        storage_.broker().stop();
        http_.stop(drain_grace);
        // While those who wait for it can still be answered.
        storage_.finish();
    }

    std::uint16_t port() const { return http_.port(); }

    std::string url() const {
        const std::string host = address_ == "::1" ? "[::1]" : address_;
        return "http://" + host + ":" + std::to_string(port());
    }

  private:
    const std::string address_;
    storage::Storage storage_;
    sqs::Service service_;
    storage::EventThread events_;
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
