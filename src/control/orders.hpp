#pragma once

#include "base/time.hpp"
#include "control/client.hpp"
#include "control/targets.hpp"
#include "supervise/supervisor.hpp"
#include "supervise/view.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::control {

/// Gives orders to a supervisor, and finds out when they are done. Not thread-safe.
class Orders {
  public:
    using Done = std::function<void(const Result<>&)>;

    Orders(supervise::EventLoop& loop, supervise::Supervisor& supervisor)
        : loop_(loop), supervisor_(supervisor) {}
    ~Orders();
    Orders(const Orders&) = delete;
    Orders& operator=(const Orders&) = delete;

    /// Calls `done` at once, or when the order `waits` and what it wants has come or has failed.
    void give(const Order& order, Done done);
    /// The same for the end of all apps.
    void stop_all(std::string_view cause, Done done);
    /// To be told of each, in order.
    void see(const supervise::Event& event);
    /// Calls whoever waits for what has come about by now.
    void settle();

  private:
    struct Waiting {
        Order::Kind kind{};
        std::vector<Target> targets{};
        std::map<std::string, std::string> reloaded{};  // by app: what went wrong; empty: nothing
        bool is_late = false;
        supervise::EventLoop::TimerId limit{};
        Done done{};
    };

    Result<> apply(const Order& order, const Target& target);
    Result<> scale(const Target& target, const std::string& count);
    bool is_there(const Target& target, const std::vector<supervise::InstanceView>& all) const;
    void wait(Waiting waiting, Duration limit);
    std::optional<Result<>> outcome(const Waiting& waiting) const;
    Result<> give_up(const Waiting& waiting) const;

    supervise::EventLoop& loop_;
    supervise::Supervisor& supervisor_;
    std::list<Waiting> waiting_{};
};

}  // namespace tranter::control
