#include "control/orders.hpp"

#include "base/unicode.hpp"
#include "control/progress.hpp"
#include "process/signal_number.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::control {
namespace {

using supervise::InstanceView;
using Kind = Order::Kind;

constexpr std::uint32_t instances_max = 1000;

std::string_view cause_of(Kind kind) {
    switch (kind) {
        case Kind::start:
            return "started by hand";
        case Kind::stop:
            return "stopped by hand";
        default:
            return "restarted by hand";
    }
}

/// "3", "+2" or "-1" of what there is.
Result<std::uint32_t> scaled(std::string_view count, std::uint32_t now) {
    const auto refused = [&] {
        return fail(
            Errc::invalid_argument,
            in_quotes(count) + " is no number of instances: 3, +1 or -1, at most " +
                std::to_string(instances_max)
        );
    };
    const bool adds = count.starts_with('+');
    const bool takes = count.starts_with('-');
    const std::string_view digits = count.substr(adds || takes ? 1 : 0);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_number =
        !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
    if (!is_number || number > instances_max) return refused();
    if (takes) return now - std::min(now, number);
    const std::uint32_t wanted = adds ? now + number : number;
    if (wanted > instances_max) return refused();
    return wanted;
}

bool wants_to_run(Kind kind) {
    return kind == Kind::start || kind == Kind::restart || kind == Kind::reload ||
           kind == Kind::scale;
}

}  // namespace

Orders::~Orders() {
    for (const Waiting& one : waiting_)
        loop_.cancel(one.limit);
}

Result<> Orders::scale(const Target& target, const std::string& count) {
    if (target.number) {
        return fail(
            Errc::invalid_argument,
            in_quotes(target.label()) + " is one instance, and it is apps that are scaled"
        );
    }
    const supervise::App* const found = supervisor_.find(target.app);
    if (found == nullptr) return fail(Errc::not_found, "there is no app " + in_quotes(target.app));
    const auto wanted = scaled(count, found->instances);
    if (!wanted) return std::unexpected(wanted.error());
    return supervisor_.scale(target.app, *wanted);
}

Result<> Orders::apply(const Order& order, const Target& target) {
    const auto& [app, which] = target;
    switch (order.kind) {
        case Kind::start:
            return supervisor_.start(app, cause_of(order.kind), which);
        case Kind::stop:
            return supervisor_.stop(app, cause_of(order.kind), which);
        case Kind::restart:
            return supervisor_.restart(app, cause_of(order.kind), which);
        case Kind::reload: {
            const supervise::App* const found = supervisor_.find(app);
            const bool restarts = found != nullptr && found->reloads_at_once == 0;
            return restarts ? supervisor_.restart(app, "reloaded by hand", which)
                            : supervisor_.reload(app, which);
        }
        case Kind::remove:
            return supervisor_.remove(app, which);
        case Kind::scale:
            return scale(target, order.count);
        case Kind::signal: {
            const auto number = process::signal_number(order.count);
            if (!number) return std::unexpected(number.error());
            return supervisor_.signal(app, *number, which);
        }
        case Kind::reset:
            return supervisor_.reset(app, which);
        case Kind::flush_logs:
            return supervisor_.flush_logs(app, which);
    }
    return fail(Errc::unsupported, "there is no such order");
}

void Orders::give(const Order& order, Done done) {
    auto found = find_targets(order.targets, supervisor_);
    if (!found) return done(std::unexpected(found.error()));
    if (order.targets.empty()) {
        return done(fail(Errc::invalid_argument, "no app is named; \"all\" means each of them"));
    }
    Waiting waiting{.kind = order.kind, .done = std::move(done)};
    std::string troubles;
    std::optional<Errc> code;
    // Removed in the opposite order of dependencies, which is not known here: whoever others depend
    // on is refused until they are gone, so it is tried as long as that helps.
    std::vector<Target> targets = without_parts(std::move(*found));
    bool has_helped = true;
    while (!targets.empty() && std::exchange(has_helped, false)) {
        troubles.clear();
        std::vector<Target> refused;
        for (const Target& target : targets) {
            const auto applied = apply(order, target);
            if (applied) {
                waiting.targets.push_back(target);
                has_helped = order.kind == Kind::remove;
                continue;
            }
            if (!troubles.empty()) troubles += "; ";
            troubles += applied.error().message();
            code = applied.error().code();
            refused.push_back(target);
        }
        targets = std::move(refused);
    }
    if (!targets.empty()) return waiting.done(fail(code.value_or(Errc::internal), troubles));
    if (!order.waits) return waiting.done({});
    wait(std::move(waiting), order.limit);
}

void Orders::stop_all(std::string_view cause, Done done) {
    Duration limit = std::chrono::seconds(15);
    Waiting waiting{.kind = Kind::stop, .done = std::move(done)};
    for (const std::string& name : supervisor_.apps()) {
        waiting.targets.push_back({.app = name});
        if (const supervise::App* const app = supervisor_.find(name)) limit += app->stop.timeout;
    }
    supervisor_.stop_all(cause);
    wait(std::move(waiting), limit);
}

void Orders::wait(Waiting waiting, Duration limit) {
    Waiting& kept = waiting_.emplace_back(std::move(waiting));
    if (limit > Duration()) {
        kept.limit = loop_.call_at(loop_.now() + limit, [this, &kept] {
            kept.is_late = true;
            kept.limit = {};
            settle();
        });
    }
    settle();
}

void Orders::see(const supervise::Event& event) {
    if (event.kind != supervise::Event::Kind::reloaded) return;
    for (Waiting& one : waiting_) {
        if (one.kind == Kind::reload) one.reloaded[event.id.app] = event.cause;
    }
}

bool Orders::is_there(const Target& target, const std::vector<InstanceView>& all) const {
    if (!target.number) return supervisor_.find(target.app) != nullptr;
    return std::ranges::any_of(all, [&](const auto& view) { return target.covers(view.id); });
}

std::optional<Result<>> Orders::outcome(const Waiting& waiting) const {
    const std::vector<InstanceView> instances = supervisor_.instances();
    std::string failed;
    for (const Target& target : waiting.targets) {
        if (waiting.kind == Kind::remove && is_there(target, instances)) return std::nullopt;
        if (waiting.kind == Kind::stop && is_running(target, instances)) return std::nullopt;
        if (!wants_to_run(waiting.kind)) continue;
        const auto reload = waiting.reloaded.find(target.app);
        // What was replaced may still be ending after a reload that is over.
        if (reload != waiting.reloaded.end() && !reload->second.empty()) {
            failed += (failed.empty() ? "" : "; ") + target.label() +
                      " was not reloaded: " + reload->second;
            continue;
        }
        switch (progress_of(supervisor_, target, instances)) {
            case Progress::under_way:
                return std::nullopt;
            case Progress::failed:
                failed += (failed.empty() ? "" : "; ") + troubles_of(target, instances);
                break;
            case Progress::arrived:
                break;
        }
    }
    if (failed.empty()) return Result<>();
    return fail(Errc::internal, failed);
}

Result<> Orders::give_up(const Waiting& waiting) const {
    const std::vector<InstanceView> instances = supervisor_.instances();
    std::string late;
    for (const Target& target : waiting.targets) {
        const std::string troubles = troubles_of(target, instances);
        if (!troubles.empty()) late += (late.empty() ? "" : "; ") + troubles;
    }
    return fail(Errc::timed_out, late.empty() ? "it is not done in time" : late);
}

void Orders::settle() {
    for (auto one = waiting_.begin(); one != waiting_.end();) {
        auto result = outcome(*one);
        if (!result && one->is_late) result = give_up(*one);
        if (!result) {
            ++one;
            continue;
        }
        loop_.cancel(one->limit);
        const Done done = std::move(one->done);
        one = waiting_.erase(one);
        done(*result);
    }
}

}  // namespace tranter::control
