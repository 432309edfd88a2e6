#include "base/log.hpp"
#include "supervise/supervisor_impl.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tranter::supervise {

void Supervisor::Impl::publish(Event event) {
    if (event.at == Instant{}) event.at = now();
    // A copy: whoever is told may cause further events.
    const Event told = events_.add(std::move(event));
    for (std::size_t i = 0; i < event_listeners_.size(); ++i)
        event_listeners_[i](told);
}

void Supervisor::Impl::publish(Fleet::InstanceChange changed) {
    Change& change = changed.change;
    if (!change.cause.empty()) record(changed.id).cause = change.cause;
    // Or nothing would be known of it for a whole period.
    const auto running = running_.find(changed.id);
    if (change.to == State::ready && running != running_.end()) {
        running->second->meter().look();
    }
    log_debug(
        "supervise",
        "an instance changed",
        {{"app", changed.id.app},
         {"instance", changed.id.number},
         {"from", name_of(change.from)},
         {"to", name_of(change.to)},
         {"cause", change.cause}}
    );
    publish(
        {.kind = Event::Kind::change,
         .id = std::move(changed.id),
         .from = change.from,
         .to = change.to,
         .at = change.at,
         .cause = std::move(change.cause),
         .ending = change.ending}
    );
}

/// Those of which nothing is left. Whether there were any.
bool Supervisor::Impl::tell_removed() {
    const auto is_gone = [this](const std::string& app) {
        return fleet_.find(app) == nullptr;
    };
    std::vector<std::string> gone;
    std::ranges::copy_if(removing_, std::back_inserter(gone), is_gone);
    for (const std::string& app : gone) {
        removing_.erase(app);
        own_files_.remove(app);
        std::erase_if(records_, [&app](const auto& entry) { return entry.first.app == app; });
        publish({.kind = Event::Kind::removed, .id = {.app = app}});
    }
    return !gone.empty();
}

Supervisor::Impl::Record& Supervisor::Impl::record(const InstanceId& id) {
    const auto [found, is_new] = records_.try_emplace(id);
    if (is_new) {
        const auto next = static_cast<std::uint32_t>(keys_.size());
        found->second.key = keys_.try_emplace(id, next).first->second;
    }
    return found->second;
}

std::vector<InstanceView> Supervisor::Impl::instances() const {
    std::vector<InstanceView> out;
    for (const std::string& name : fleet_.apps()) {
        const App& app = *fleet_.find(name);
        auto ids = fleet_.instances(name);
        // Before its first start it has none.
        for (std::uint32_t number = 0; ids.empty() && number < app.instances; ++number)
            out.push_back(view({name, number}, app));
        for (const InstanceId& id : ids)
            out.push_back(view(id, app));
    }
    return out;
}

InstanceView Supervisor::Impl::view(const InstanceId& id, const App& app) const {
    InstanceView out{.id = id, .space = app.space};
    if (const auto own = fleet_.own_number(id); own != id.number) out.own_number = own;
    if (const auto found = records_.find(id); found != records_.end()) {
        const Record& known = found->second;
        out.key = known.key;
        out.log_bytes = known.log_bytes;
        for (const auto& target : known.logs.all())
            out.log_lines_dropped += options_.logs.dropped(target);
    }
    if (const auto found = running_.find(id); found != running_.end()) {
        const RunningProcess& process = *found->second;
        out.pid = process.leader();
        out.use = process.meter().use();
        out.cpu_share = process.meter().cpu_share();
    }
    const Instance* const instance = fleet_.find(id);
    if (instance == nullptr) return out;
    out.state = instance->state();
    out.started_at = instance->started_at();
    out.restarts = instance->restarts().total();
    out.unstable_restarts = instance->restarts().unstable();
    out.last_ending = instance->last_ending();
    out.note = note(id, *instance);
    return out;
}

std::string Supervisor::Impl::note(const InstanceId& id, const Instance& instance) const {
    if (instance.is_stuck()) return "it was killed and is still there";
    const auto found = records_.find(id);
    switch (instance.state()) {
        case State::waiting: {
            const std::string others = fleet_.waits_for(id.app);
            return others.empty() ? "" : "waits for " + others;
        }
        case State::starting:
        case State::ready:
            return found == records_.end() ? "" : found->second.status;
        case State::completed:
            return "";
        default:
            return found == records_.end() ? "" : found->second.cause;
    }
}

std::vector<OutputLine> Supervisor::Impl::latest_lines(const InstanceId& id) const {
    const auto found = records_.find(id);
    return found == records_.end() ? std::vector<OutputLine>{} : found->second.lines.lines(id);
}

void Supervisor::Impl::on_event(std::function<void(const Event&)> listener) {
    event_listeners_.push_back(std::move(listener));
}

void Supervisor::Impl::on_line(std::function<void(const OutputLine&)> listener) {
    line_listeners_.push_back(std::move(listener));
}

}  // namespace tranter::supervise
