#pragma once

#include "admin/awaiting_service.hpp"
#include "base/error.hpp"
#include "cli/health_server.hpp"

#include <tranter/provider.hpp>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace tranter::cli {

/// How a role begins whose stores may be away: it waits for them, as it does later on, since who
/// started it may give it up for good if it ended. Meanwhile it is alive and not ready, and asks
/// for time. Lives on one thread.
class StoreWait {
  public:
    struct Options {
        std::string_view role;       // of the log
        std::string_view up_metric;  // "tranter_worker_up"
        HealthServerOptions health;
    };

    /// Throws SystemError when health cannot listen.
    StoreWait(const Options& options, std::stop_token stop);

    /// Where the role takes its Turn.
    HealthServer& health() { return health_; }

    /// What `work` gives, called again until its store answers. `check` is how the role calls the
    /// store among its checks. `cancelled` once the stop was requested meanwhile.
    template <class Work>
    auto until_there(std::string_view check, Work work) -> decltype(work()) {
        while (true) {
            auto result = work();
            if (result || !is_away(result.error())) return result;
            if (!waited_after(check, result.error())) return std::unexpected(stopped());
        }
    }

    /// The same for what stands at `url`. What is on this machine does not come back by itself, so
    /// `work` is called once for it.
    template <class Work>
    auto opened(std::string_view check, std::string_view url, Work work) -> decltype(work()) {
        return is_elsewhere(url) ? until_there(check, std::move(work)) : work();
    }

    Result<std::shared_ptr<Provider>> provider(
        std::string_view check, const std::string& url, const ProviderOptions& options
    );

    /// Of the role, once it ends because of `error`: 0 for our stopped().
    Result<int> ended_by(const Error& error) const;

  private:
    static bool is_away(const Error& error);
    static bool is_elsewhere(std::string_view url);
    static Error stopped();
    /// False when the stop was requested.
    bool waited_after(std::string_view check, const Error& error);

    const std::string_view role_;
    const std::stop_token stop_;
    admin::AwaitingService service_;
    HealthServer health_;
    std::string_view waits_for_{};  // what the log was told of
};

}  // namespace tranter::cli
