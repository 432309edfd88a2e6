#pragma once

#include "control/orders.hpp"
#include "control/server.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/supervisor.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::control {

/// What the daemon does for its clients: each call of the protocol. Everything happens on the
/// thread of the loop. Not thread-safe.
class Commands final : public Service {
  public:
    struct Options {
        supervise::EventLoop& loop;
        supervise::Supervisor& supervisor;
        std::string socket{};
        /// What is told about the daemon; its memory is measured when it is asked for.
        DaemonView daemon{};
        /// Events and lines, after clients were told of them.
        std::function<void(const supervise::Event&)> event{};
        std::function<void(const supervise::OutputLine&)> line{};
        /// Nothing is left after a client asked for the end. The answer is sent by finish().
        std::function<void()> over{};
    };

    /// Throws SystemError when the socket cannot be made.
    explicit Commands(Options options);
    ~Commands() override;
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;

    void handle(const Request& request, const Caller& caller) override;
    void gone(std::uint64_t connection) override;

    /// As clients do.
    Orders& orders() { return orders_; }
    [[nodiscard]] Result<> put(const std::vector<supervise::App>& apps, const std::string& file);
    /// Blocks until clients have their answers, or for a moment.
    /// Whoever asks for anything from now on is told that the daemon ends.
    void refuse_orders() { is_ending_ = true; }
    void finish();

  private:
    using Call = void (Commands::*)(const Request&, const Caller&);
    static Call find_call(std::string_view name);

    void tell_daemon(const Request& request, const Caller& caller);
    void tell_instances(const Request& request, const Caller& caller);
    void tell_apps(const Request& request, const Caller& caller);
    void tell_events(const Request& request, const Caller& caller);
    void tell_lines(const Request& request, const Caller& caller);
    void take_apps(const Request& request, const Caller& caller);
    void take_order(const Request& request, const Caller& caller);
    void reopen(const Request& request, const Caller& caller);
    void shut_down(const Request& request, const Caller& caller);
    void follow(const Request& request, const Caller& caller);

    void answer(const Caller& caller, const Payload& payload);
    void answer(const Caller& caller, const Result<>& result);
    void tell_followers(
        const supervise::InstanceId& id, const std::function<std::string(std::uint64_t)>& text
    );
    void settle_soon();

    /// An empty list: all, also those that come later.
    struct Follower {
        std::vector<Target> targets{};
        bool is_all = false;
    };

    Options options_;
    supervise::Supervisor& supervisor_;
    Orders orders_;
    std::map<Caller, Follower> followers_{};
    bool is_ending_ = false;  // nothing new is taken
    supervise::EventLoop::TimerId settling_{};
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
    Server server_;  // last: it calls us
};

}  // namespace tranter::control
