#include "control/progress.hpp"

#include "process/spawn.hpp"

#include <algorithm>

namespace tranter::control {
namespace {

using supervise::InstanceView;
using supervise::State;

bool is_on_the_way(State state) {
    switch (state) {
        case State::waiting:
        case State::starting:
        case State::unhealthy:
        case State::exited:
        case State::stopping:
        case State::backoff:
            return true;
        case State::stopped:
        case State::ready:
        case State::errored:
        case State::completed:
            break;
    }
    return false;
}

bool is_errored(const Target& target, const std::vector<InstanceView>& instances) {
    return std::ranges::any_of(instances, [&](const InstanceView& view) {
        return target.covers(view.id) && view.state == State::errored;
    });
}

/// An app that waits for one that will never come waits in vain.
bool waits_in_vain(
    const supervise::Supervisor& supervisor,
    const std::string& name,
    const std::vector<InstanceView>& instances,
    int depth
) {
    const supervise::App* const app = supervisor.find(name);
    if (app == nullptr || depth == 0) return false;
    return std::ranges::any_of(app->depends_on, [&](const supervise::Dependency& dependency) {
        return is_errored({.app = dependency.app}, instances) ||
               waits_in_vain(supervisor, dependency.app, instances, depth - 1);
    });
}

}  // namespace

Progress progress_of(
    const supervise::Supervisor& supervisor,
    const Target& target,
    const std::vector<InstanceView>& instances
) {
    if (is_errored(target, instances)) return Progress::failed;
    bool arrived = true;
    for (const InstanceView& view : instances) {
        if (!target.covers(view.id) || !is_on_the_way(view.state)) continue;
        constexpr int depth_max = 32;
        if (view.state == State::waiting &&
            waits_in_vain(supervisor, target.app, instances, depth_max)) {
            return Progress::failed;
        }
        arrived = false;
    }
    return arrived ? Progress::arrived : Progress::under_way;
}

bool is_running(const Target& target, const std::vector<InstanceView>& instances) {
    return std::ranges::any_of(instances, [&](const InstanceView& view) {
        return target.covers(view.id) && (is_on_the_way(view.state) || view.state == State::ready);
    });
}

std::string ending_text(const supervise::Ending& ending) {
    if (ending.signal != 0) return "ended by " + process::signal_name(ending.signal);
    return "ended with code " + std::to_string(ending.code);
}

std::string troubles_of(const Target& target, const std::vector<InstanceView>& instances) {
    std::string text;
    for (const InstanceView& view : instances) {
        const bool is_well = view.state == State::ready || view.state == State::completed ||
                             view.state == State::stopped;
        if (!target.covers(view.id) || is_well) continue;
        if (!text.empty()) text += "; ";
        text += target.app + ":" + std::to_string(view.id.number) + " is " +
                std::string(name_of(view.state));
        if (!view.note.empty()) {
            text += ": " + view.note;
        } else if (view.last_ending) {
            text += ": " + ending_text(*view.last_ending);
        }
        if (view.restarts > 0) text += " (" + std::to_string(view.restarts) + " restarts)";
    }
    return text;
}

}  // namespace tranter::control
