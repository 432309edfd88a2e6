#include "cli/serve_command.hpp"

#include "admin/service.hpp"
#include "base/log.hpp"
#include "cli/config_file.hpp"
#include "cli/exit_code.hpp"
#include "cli/known_secrets.hpp"
#include "cli/queue_settings.hpp"
#include "cli/ready_notice.hpp"
#include "cli/serve_config.hpp"
#include "cli/serve_http.hpp"
#include "cli/serve_jobs.hpp"
#include "cli/serve_loop.hpp"
#include "cli/serve_storage.hpp"
#include "cli/serve_store.hpp"
#include "http/server.hpp"
#include "sqs/service.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

constexpr Duration drain_grace = std::chrono::seconds(30);

sqs::ServiceOptions sqs_options(const ServerConfig& config) {
    return {
        .limits = config.limits == LimitsMode::relaxed ? sqs::Limits::relaxed : sqs::Limits::strict,
        .auto_create = config.auto_create,
        .auto_create_settings = queue_settings(config.auto_create_template, config),
        .region = config.region,
        .account = config.account,
        .public_url = config.public_url,
        .context_path = config.context_path,
        .max_in_flight = static_cast<std::uint32_t>(config.max_in_flight),
        .auth = {
            .required = config.auth.mode == AuthMode::sigv4,
            .keys = config.auth.keys,
            .regions = config.auth.regions}};
}

/// The server and everything it is made of, in order of construction.
class ServeProcess {
  public:
    ServeProcess(const ServerConfig& config, bool repair)
        : config_(config),
          storage_(storage_options(config, repair)),
          broker_(storage_.broker()),
          loop_(broker_),
          sqs_(sqs_options(config), broker_),
          jobs_(config, broker_),
          admin_(admin_options(), broker_) {
        settle_queues(broker_, config_);
        if (config_.sqs_enabled) {
            sqs_server_ = std::make_unique<http::Server>(
                http_options(config_, config_.sqs),
                [this](const http::Request& request, http::Exchange exchange) {
                    sqs_.handle(request, std::move(exchange));
                }
            );
        }
        if (config_.admin_enabled) {
            admin_server_ = std::make_unique<http::Server>(
                http_options(config_, config_.admin),
                [this](const http::Request& request, http::Exchange exchange) {
                    admin_.handle(request, std::move(exchange));
                }
            );
        }
    }

    /// Returns the exit status: 1 when the data directory failed underway.
    int run(std::optional<int> ready_fd) {
        serve_until_signal(ready_fd);
        const broker::Journal& journal = broker_.journal();
        if (journal.accepts() == broker::Accepts::nothing) {
            log_error("serve", "stopped, and the log had failed", {{"why", journal.trouble()}});
            return static_cast<int>(ExitCode::failed);
        }
        log_info("serve", "stopped");
        return 0;
    }

  private:
    void serve_until_signal(std::optional<int> ready_fd) {
        const Committing committing(storage_);
        if (sqs_server_) sqs_server_->start();
        if (admin_server_) admin_server_->start();
        admin_.set_ready(true);
        announce(ready_fd);
        loop_.run_until_signal();

        log_info("serve", "stopping", {{"long_polls", broker_.waiting()}});
        announce_stopping();
        loop_.exit_on_next_signal();
        jobs_.close();
        broker_.stop();
        if (sqs_server_) sqs_server_->stop(drain_grace);
        if (admin_server_) admin_server_->stop(drain_grace);
    }

    /// Ends after the servers, on every way out: until then answers wait for what it commits.
    class Committing {
      public:
        explicit Committing(storage::Storage& storage) : storage_(storage) { storage_.start(); }
        ~Committing() { storage_.finish(); }
        Committing(const Committing&) = delete;
        Committing& operator=(const Committing&) = delete;

      private:
        storage::Storage& storage_;
    };

    admin::ServiceOptions admin_options() {
        return {
            .token = config_.admin_token,
            .attributes = [this, options = sqs_options(config_)](const broker::QueueHandle& queue
                          ) { return sqs::queue_attributes(options, broker_, *queue); },
            .metrics =
                {.version = TRANTER_VERSION,
                 .connections = [this] { return sqs_server_ ? sqs_server_->connections() : 0; },
                 .requests = [this] { return request_counts(); },
                 .durations = [this] { return request_durations(); },
                 .jobs = [this] { return jobs_.metrics(); },
                 .history = [this] { return jobs_.history_counts(); },
                 .spans = [this] { return jobs_.span_counts(); },
                 .storage = storage_sources(config_, storage_)},
            .is_stuck = [this] { return loop_.is_stuck(); },
            .jobs = &jobs_.api(),
            .drop_in =
                {.durability = storage_sources(config_, storage_).durability,
                 .require_durable = config_.require_durable,
                 .has_worker = [this] { return jobs_.has_worker(); },
                 .scheduler_store = scheduler_store_kind(config_)}};
    }

    std::vector<admin::RequestCount> request_counts() const {
        std::vector<admin::RequestCount> counts;
        for (const auto& one : sqs_.requests()) {
            counts.push_back({.action = one.action, .code = one.code, .count = one.count});
        }
        return counts;
    }

    std::vector<admin::RequestDurations> request_durations() const {
        std::vector<admin::RequestDurations> all;
        for (auto& one : sqs_.durations()) {
            all.push_back(
                {.action = one.action,
                 .bounds = sqs::RequestCounters::duration_bounds,
                 .counts = std::move(one.counts),
                 .sum = one.sum}
            );
        }
        return all;
    }

    void announce(std::optional<int> ready_fd) {
        Endpoint sqs = config_.sqs;
        Endpoint admin = config_.admin;
        if (sqs_server_) sqs.port = sqs_server_->port();
        if (admin_server_) admin.port = admin_server_->port();
        const std::string sqs_text = sqs_server_ ? format_endpoint(sqs) : "off";
        const std::string admin_text = admin_server_ ? format_endpoint(admin) : "off";
        log_info(
            "serve",
            "listening",
            {{"sqs", sqs_text}, {"admin", admin_text}, {"version", TRANTER_VERSION}}
        );
        log_storage(config_, storage_.opened());
        announce_ready(ready_fd, fmt::format("READY sqs={} admin={}\n", sqs_text, admin_text));
    }

    const ServerConfig config_;
    storage::Storage storage_;
    broker::Broker& broker_;
    ServeLoop loop_;  // before everything that has threads
    sqs::Service sqs_;
    ServeJobs jobs_;
    admin::Service admin_;
    std::unique_ptr<http::Server> sqs_server_;
    std::unique_ptr<http::Server> admin_server_;
};

}  // namespace

Result<int> serve(const ServeFlags& flags) {
    const auto loaded = load_serve_config(flags);
    if (!loaded) return std::unexpected(loaded.error());
    hide_secrets(loaded->config, environment_variables());
    start_logging(loaded->config.log);
    for (const std::string& notice : loaded->notices) {
        log_warn("config", "configuration", {{"notice", notice}});
    }
    if (flags.provider) return serve_store(loaded->config, flags.ready_fd);
    raise_file_limit();
    return ServeProcess(loaded->config, flags.repair.value_or(false)).run(flags.ready_fd);
}

}  // namespace tranter::cli
