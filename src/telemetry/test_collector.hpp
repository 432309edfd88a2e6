#pragma once

#include "http/server.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tranter::telemetry {

/// A collector that keeps what it was sent.
class TestCollector {
  public:
    /// Of the request's number, from 1; empty: 200.
    explicit TestCollector(std::function<int(int)> status = {})
        : status_(std::move(status)),
          server_({}, [this](const http::Request& request, http::Exchange exchange) {
              answer(request, std::move(exchange));
          }) {
        server_.start();
    }
    ~TestCollector() { server_.stop(Duration{}); }
    TestCollector(const TestCollector&) = delete;
    TestCollector& operator=(const TestCollector&) = delete;

    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(server_.port()) + "/v1/traces";
    }
    /// The bodies, as soon as there are so many; what there is after half a minute.
    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, std::chrono::seconds(30), [&] { return bodies_.size() >= count; });
        return bodies_;
    }
    std::string header() const {
        const std::lock_guard lock(mutex_);
        return header_;
    }

  private:
    void answer(const http::Request& request, http::Exchange exchange) {
        int number = 0;
        {
            const std::lock_guard lock(mutex_);
            bodies_.emplace_back(request.body);
            header_ = std::string(request.header("api-key").value_or("none")) + " " +
                      std::string(request.header("content-type").value_or("none"));
            number = static_cast<int>(bodies_.size());
        }
        came_.notify_all();
        http::Response response{.status = status_ ? status_(number) : 200, .body = "{}"};
        std::move(exchange).respond(std::move(response));
    }

    const std::function<int(int)> status_;
    mutable std::mutex mutex_;
    std::condition_variable came_;
    // Guarded by mutex_:
    std::vector<std::string> bodies_;
    std::string header_;
    http::Server server_;  // last: its threads use the rest
};

}  // namespace tranter::telemetry
