#include "cli/serve_store.hpp"

#include "admin/store_probe.hpp"
#include "admin/store_service.hpp"
#include "base/log.hpp"
#include "base/stop.hpp"
#include "cli/ready_notice.hpp"
#include "cli/serve_http.hpp"
#include "cli/serve_jobs.hpp"
#include "postgres/target.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

namespace tranter::cli {
namespace {

constexpr std::chrono::seconds probe_period(5);
constexpr Duration store_grace = std::chrono::seconds(30);
// As many as a store has connections for, and some that wait for one.
constexpr std::size_t store_threads = 16;

/// The server and everything it is made of, in order of construction.
class StoreServer {
  public:
    StoreServer(const ServerConfig& config, std::shared_ptr<Provider> provider)
        : endpoint_(config.admin),
          provider_(std::move(provider)),
          schedules_({.open = schedule_store_of(config), .jobs = provider_.get()}),
          api_(api_options(), *provider_),
          probe_(*provider_, probe_period),
          service_(
              {.version = TRANTER_VERSION,
               .token = config.admin_token,
               .store = std::string(provider_->name()),
               .state = [this] { return probe_.state(); },
               .connections =
                   [this] {
                       return provider_->connections();
                   }},
              api_,
              SteadyClock::wall_clock()
          ),
          server_(
              http_options(config, endpoint_),
              [this](const http::Request& request, http::Exchange exchange) {
                  service_.handle(request, std::move(exchange));
              }
          ) {}

    void run(const std::stop_token& stop, std::optional<int> ready_fd) {
        server_.start();
        Endpoint listening = endpoint_;
        listening.port = server_.port();
        const std::string text = format_endpoint(listening);
        log_info(
            "serve",
            "listening",
            {{"admin", text}, {"store", provider_->name()}, {"version", TRANTER_VERSION}}
        );
        announce_ready(ready_fd, fmt::format("READY sqs=off admin={}\n", text));

        wait_for_stop(stop);

        log_info("serve", "stopping");
        service_.set_draining();
        announce_stopping();
        api_.end_waits();
        server_.stop(store_grace);  // what is under way may still call the store
        provider_->close();
        log_info("serve", "stopped");
    }

  private:
    admin::JobsApiOptions api_options() {
        admin::JobsApiOptions options = jobs_api_options(tracing_, *provider_, schedules_);
        options.threads = store_threads;
        return options;
    }

    const Endpoint endpoint_;
    const std::shared_ptr<Tracing> tracing_ = Tracing::from_environment();  // null: off
    const std::shared_ptr<Provider> provider_;
    admin::SchedulesApi schedules_;
    admin::JobsApi api_;
    admin::StoreProbe probe_;
    admin::StoreService service_;
    http::Server server_;
};

}  // namespace

Result<> check_served_store(std::string_view url) {
    const bool is_server = url.starts_with("http://") || url.starts_with("https://");
    if (is_server || postgres::is_postgres_url(url)) return {};
    if (url.starts_with("memory:") || url.starts_with("file:")) {
        return fail(
            Errc::invalid_argument,
            "--provider: queues in memory or in a directory are the server's own, start it without "
            "--provider, or with --data DIR"
        );
    }
    if (url.starts_with("sqs:")) {
        return fail(
            Errc::invalid_argument,
            "--provider: jobs in SQS can be neither looked up nor listed, expected postgres:// or "
            "http://"
        );
    }
    return fail(
        Errc::invalid_argument,
        "--provider: expected the URL of a store that others share, as postgres://HOST/DATABASE"
    );
}

Result<int> serve_store(const ServerConfig& config, std::optional<int> ready_fd) {
    raise_file_limit();
    // Before the first thread, so that all of them leave the signals to it.
    const std::stop_token stop = stop_on_signals();
    auto provider = open_provider(config.provider, {.create = false});
    if (!provider) return std::unexpected(provider.error());
    StoreServer(config, std::move(*provider)).run(stop, ready_fd);
    return 0;
}

}  // namespace tranter::cli
