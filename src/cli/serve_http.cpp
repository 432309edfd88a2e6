#include "cli/serve_http.hpp"

#include "storage/machine.hpp"

#include <sys/resource.h>

namespace tranter::cli {

http::ServerOptions http_options(const ServerConfig& config, const Endpoint& endpoint) {
    http::ServerOptions options{
        .address = endpoint.host,
        .port = endpoint.port,
        .threads = config.threads > 0 ? config.threads : storage::usable_cores()};
    options.limits.body_bytes = config.max_body;
    options.limits.connections = config.max_connections;
    options.limits.header_timeout = config.header_timeout;
    options.limits.body_timeout = config.body_timeout;
    options.limits.idle_timeout = config.idle_timeout;
    options.browser.allowed_hosts = config.allowed_hosts;
    options.browser.cors_origins = config.cors_origins;
    return options;
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace tranter::cli
