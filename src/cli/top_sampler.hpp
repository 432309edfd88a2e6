#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "base/wake_event.hpp"
#include "cli/top_view.hpp"
#include "http/client.hpp"

#include <tranter/provider.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace tranter::cli {

/// Asks a store how it is, and a server for its metrics too.
class TopSource {
  public:
    /// `url` as of open_provider().
    [[nodiscard]] static Result<TopSource> open(const std::string& url);

    /// Blocks; a stop ends the part that asks for metrics.
    [[nodiscard]] Result<TopSample> sample(const std::stop_token& stop);
    /// sample() fails from now on, also one that is under way. Thread-safe.
    void close() { provider_->close(); }

  private:
    TopSource(std::shared_ptr<Provider> provider, std::string url)
        : provider_(std::move(provider)), url_(std::move(url)) {}

    void add_latencies_of_server(TopSample& sample, const std::stop_token& stop);

    std::shared_ptr<Provider> provider_;
    std::string url_;
    http::Client client_{};
};

/// Takes samples on a thread of its own, so that a store which does not answer holds up no key.
class TopSampler {
  public:
    TopSampler(TopSource source, Duration period);
    ~TopSampler();
    TopSampler(const TopSampler&) = delete;
    TopSampler& operator=(const TopSampler&) = delete;

    struct Latest {
        std::optional<TopSample> before{};
        std::optional<TopSample> now{};
        std::string trouble{};  // why the last one failed; empty: it did not
    };
    /// Thread-safe.
    Latest latest() const;

  private:
    void run(const std::stop_token& stop);

    TopSource source_;
    const Duration period_;
    mutable std::mutex mutex_;
    Latest latest_{};      // guarded by mutex_
    std::jthread thread_;  // last: it uses the others
};

}  // namespace tranter::cli
