#include "cli/health_server.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <chrono>
#include <mutex>
#include <utility>

namespace tranter::cli {
namespace {

constexpr Duration health_grace = std::chrono::seconds(1);

}  // namespace

HealthServer::HealthServer(const admin::RoleService& service, const HealthServerOptions& options)
    : service_(&service) {
    if (!options.endpoint) return;
    endpoint_ = *options.endpoint;
    try {
        listen(endpoint_);
        return;
    } catch (const SystemError& error) {
        if (!options.may_move) {
            throw SystemError(fmt::format(
                "{}; --health names another address, and port 0 takes any that is free",
                error.what()
            ));
        }
        log_warn(
            "health",
            "the usual address of health and metrics is taken, any free port is used",
            {{"error", error.what()}}
        );
    }
    endpoint_.port = 0;
    listen(endpoint_);
}

HealthServer::Turn::Turn(HealthServer& server, const admin::RoleService& service)
    : server_(server), before_(server.take_turn(&service)) {}

HealthServer::Turn::~Turn() {
    server_.take_turn(before_);
}

const admin::RoleService* HealthServer::take_turn(const admin::RoleService* service) {
    const std::lock_guard lock(mutex_);
    return std::exchange(service_, service);
}

HealthServer::~HealthServer() {
    if (server_) server_->stop(health_grace);
}

void HealthServer::listen(const Endpoint& endpoint) {
    http::ServerOptions options;
    options.address = endpoint.host;
    options.port = endpoint.port;
    server_ = std::make_unique<http::Server>(
        std::move(options),
        [this](const http::Request& request, http::Exchange exchange) {
            const std::shared_lock lock(mutex_);
            service_->handle(request, std::move(exchange));
        }
    );
    server_->start();
}

std::string HealthServer::address() const {
    if (!server_) return "off";
    Endpoint listening = endpoint_;
    listening.port = server_->port();
    return format_endpoint(listening);
}

}  // namespace tranter::cli
