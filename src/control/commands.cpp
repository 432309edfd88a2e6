#include "control/commands.hpp"

#include "base/unicode.hpp"
#include "control/line_order.hpp"
#include "process/process_stat.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace tranter::control {
namespace {

using supervise::App;
using supervise::OutputLine;

constexpr Duration answer_grace = std::chrono::seconds(1);

Result<> check_app(const App& app) {
    if (app.name.empty()) return fail(Errc::invalid_argument, "an app has no name");
    if (app.name == "all") {
        return fail(Errc::invalid_argument, "no app can be called all, which means each of them");
    }
    if (app.command.empty() || app.command.front().empty()) {
        return fail(Errc::invalid_argument, "app " + app.name + " has no command");
    }
    return {};
}

}  // namespace

Commands::Commands(Options options)
    : options_(std::move(options)),
      supervisor_(options_.supervisor),
      orders_(options_.loop, supervisor_),
      server_({.loop = options_.loop, .service = *this, .path = options_.socket}) {
    // The supervisor may outlive us.
    const std::weak_ptr<const bool> alive = alive_;
    supervisor_.on_event([this, alive](const supervise::Event& event) {
        if (alive.expired()) return;
        orders_.see(event);
        tell_followers(event.id, [&](std::uint64_t id) { return write_event(id, event); });
        if (options_.event) options_.event(event);
        settle_soon();
    });
    supervisor_.on_line([this, alive](const OutputLine& line) {
        if (alive.expired()) return;
        tell_followers(line.id, [&](std::uint64_t id) { return write_line(id, line); });
        if (options_.line) options_.line(line);
    });
}

Commands::~Commands() {
    options_.loop.cancel(settling_);
}

Commands::Call Commands::find_call(std::string_view name) {
    static constexpr auto calls = std::to_array<std::pair<std::string_view, Call>>({
        {"daemon", &Commands::tell_daemon},
        {"instances", &Commands::tell_instances},
        {"apps", &Commands::tell_apps},
        {"events", &Commands::tell_events},
        {"lines", &Commands::tell_lines},
        {"put", &Commands::take_apps},
        {"order", &Commands::take_order},
        {"reopen_logs", &Commands::reopen},
        {"shut_down", &Commands::shut_down},
        {"follow", &Commands::follow},
    });
    const auto* const found =
        std::ranges::find(calls, name, &std::pair<std::string_view, Call>::first);
    return found == calls.end() ? nullptr : found->second;
}

void Commands::handle(const Request& request, const Caller& caller) {
    if (const Call call = find_call(request.call)) return (this->*call)(request, caller);
    answer(caller, fail(Errc::unsupported, "this daemon knows no call " + in_quotes(request.call)));
}

void Commands::gone(std::uint64_t connection) {
    std::erase_if(followers_, [&](const auto& one) { return one.first.connection == connection; });
}

void Commands::answer(const Caller& caller, const Payload& payload) {
    server_.send(caller.connection, write_answer(caller.request, payload));
}

void Commands::answer(const Caller& caller, const Result<>& result) {
    if (result) return answer(caller, Payload());
    server_.send(caller.connection, write_failure(caller.request, result.error()));
}

void Commands::tell_daemon(const Request& /*request*/, const Caller& caller) {
    DaemonView view = options_.daemon;
    if (const auto stat = process::read_stat(::getpid())) {
        view.memory_bytes =
            stat->resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    answer(caller, view);
}

void Commands::tell_instances(const Request& /*request*/, const Caller& caller) {
    answer(caller, supervisor_.instances());
}

void Commands::tell_apps(const Request& /*request*/, const Caller& caller) {
    std::vector<App> apps;
    for (const std::string& name : supervisor_.apps()) {
        if (const App* const app = supervisor_.find(name)) apps.push_back(*app);
    }
    answer(caller, std::move(apps));
}

void Commands::tell_events(const Request& request, const Caller& caller) {
    answer(caller, supervisor_.events_after(request.after));
}

void Commands::tell_lines(const Request& request, const Caller& caller) {
    const auto targets = find_targets(request.targets, supervisor_);
    if (!targets) return answer(caller, std::unexpected(targets.error()));
    std::vector<OutputLine> lines;
    for (const supervise::InstanceView& view : supervisor_.instances()) {
        if (!request.targets.empty() && !any_covers(*targets, view.id)) continue;
        std::ranges::move(supervisor_.latest_lines(view.id), std::back_inserter(lines));
    }
    answer(caller, in_order(std::move(lines)));
}

Result<> Commands::put(const std::vector<App>& apps, const std::string& file) {
    if (is_ending_) return fail(Errc::unavailable, "the daemon is about to end");
    for (const App& app : apps) {
        if (auto good = check_app(app); !good) return good;
    }
    auto done = supervisor_.put(apps);
    if (done && !file.empty()) options_.daemon.file = file;
    return done;
}

void Commands::take_apps(const Request& request, const Caller& caller) {
    answer(caller, put(request.apps, request.file));
}

void Commands::take_order(const Request& request, const Caller& caller) {
    if (is_ending_) {
        return answer(caller, fail(Errc::unavailable, "the daemon is about to end"));
    }
    orders_.give(request.order, [this, caller](const Result<>& result) { answer(caller, result); });
}

void Commands::reopen(const Request& /*request*/, const Caller& caller) {
    supervisor_.reopen_logs();
    answer(caller, Payload());
}

void Commands::shut_down(const Request& /*request*/, const Caller& caller) {
    is_ending_ = true;
    orders_.stop_all("the daemon ends", [this, caller](const Result<>& result) {
        answer(caller, result);
        options_.over();
    });
}

void Commands::follow(const Request& request, const Caller& caller) {
    auto targets = find_targets(request.targets, supervisor_);
    if (!targets) return answer(caller, std::unexpected(targets.error()));
    followers_[caller] = {.targets = std::move(*targets), .is_all = request.targets.empty()};
    answer(caller, Payload());
}

void Commands::tell_followers(
    const supervise::InstanceId& id, const std::function<std::string(std::uint64_t)>& text
) {
    std::vector<Caller> listeners;  // whoever is cut off for it is no follower any more
    for (const auto& [caller, follower] : followers_) {
        if (follower.is_all || any_covers(follower.targets, id)) listeners.push_back(caller);
    }
    for (const Caller& caller : listeners)
        server_.send(caller.connection, text(caller.request));
}

/// The supervisor is in the middle of something when it tells of it.
void Commands::settle_soon() {
    if (settling_ != supervise::EventLoop::TimerId::none) return;
    settling_ = options_.loop.call_at(options_.loop.now(), [this] {
        settling_ = supervise::EventLoop::TimerId::none;
        orders_.settle();
    });
}

void Commands::finish() {
    server_.finish(answer_grace);
}

}  // namespace tranter::control
