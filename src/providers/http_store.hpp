#pragma once

#include "jobs/strict_json.hpp"
#include "providers/http_events.hpp"
#include "providers/http_link.hpp"

#include <tranter/provider.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::providers {

/// What make_http_provider() makes. Thread-safe.
class HttpStore final : public Provider {
  public:
    HttpStore(std::string base, std::string token) : link_(std::move(base), std::move(token)) {}

    std::string_view name() const override { return "http"; }
    const Capabilities& capabilities() const override;

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override;
    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override;
    Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) override;
    Result<std::vector<Result<Extended>>> extend(
        std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
    ) override;

    Result<> set_progress(std::string_view queue, std::string_view receipt, std::string_view json)
        override;
    Result<> append_log(
        std::string_view queue, std::string_view receipt, std::span<const std::string> lines
    ) override;
    Result<> save_step(std::string_view queue, std::string_view receipt, const Step& step) override;

    Result<JobRecord> find(std::string_view id) override;
    Result<LogPage> log_of(std::string_view id) override;
    Result<JobPage> list(const ListRequest& request) override;
    Result<Cancelled> cancel(std::string_view id) override;
    Result<> retry(std::string_view id) override;
    Result<> promote(std::string_view id) override;
    Result<> remove(std::string_view id) override;
    Result<JobRecord> wait(std::string_view id, Milliseconds timeout) override;

    Result<std::vector<QueueStats>> queues() override;
    Result<QueueStats> stats(std::string_view queue) override;
    Result<std::vector<WorkerInfo>> workers() override;
    Result<> set_paused(std::string_view queue, bool paused) override;
    Result<> set_limits(std::string_view queue, const QueueLimits& limits) override;
    Result<std::shared_ptr<void>> subscribe(Listener listener) override {
        return listen_to_events(link_, std::move(listener));
    }

    void close() override { link_.close(); }

  private:
    static std::string queue_path(std::string_view queue, std::string_view action);
    static std::string job_path(std::string_view id, std::string_view action);
    Result<std::string> get(std::string path) const;
    template <class T>
    Result<T> get_as(std::string path) const;
    Result<> send(
        std::string_view method, std::string path, std::string body, HttpCall::Repeat repeat
    );
    Result<std::vector<Result<>>> settle_good(
        std::string_view queue, std::span<const Settlement> settlements
    );
    Result<std::vector<Result<>>> settle_some(
        std::string_view queue, std::span<const Settlement> settlements
    );

    mutable HttpLink link_;
    mutable std::mutex mutex_;
    mutable std::optional<Capabilities> capabilities_;  // guarded by mutex_, written once
};

template <class T>
Result<T> HttpStore::get_as(std::string path) const {
    auto body = get(std::move(path));
    if (!body) return std::unexpected(std::move(body.error()));
    return jobs::from_json_of_server<T>(*body);
}

}  // namespace tranter::providers
