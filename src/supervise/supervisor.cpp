#include "supervise/supervisor.hpp"

#include "supervise/strays.hpp"
#include "supervise/supervisor_impl.hpp"

#include <csignal>
#include <utility>

namespace tranter::supervise {
namespace {

bool covers(std::string_view app, Which which, const InstanceId& id) {
    return id.app == app && (!which || *which == id.number);
}

}  // namespace

Supervisor::Supervisor(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Supervisor::~Supervisor() = default;

Result<> Supervisor::put(std::vector<App> apps) {
    return impl_->put(std::move(apps));
}
Result<> Supervisor::start(std::string_view app, std::string_view cause, Which which) {
    return impl_->start(app, cause, which);
}
Result<> Supervisor::stop(std::string_view app, std::string_view cause, Which which) {
    return impl_->stop(app, cause, which);
}
Result<> Supervisor::restart(std::string_view app, std::string_view cause, Which which) {
    return impl_->restart(app, cause, which);
}
Result<> Supervisor::reload(std::string_view app, Which which) {
    return impl_->reload(app, which);
}
Result<> Supervisor::scale(std::string_view app, std::uint32_t instances) {
    return impl_->scale(app, instances);
}
Result<> Supervisor::remove(std::string_view app, Which which) {
    return impl_->remove(app, which);
}
void Supervisor::stop_all(std::string_view cause) {
    impl_->stop_all(cause);
}
Result<> Supervisor::signal(std::string_view app, int signal, Which which) {
    return impl_->signal(app, signal, which);
}
Result<> Supervisor::reset(std::string_view app, Which which) {
    return impl_->reset(app, which);
}
Result<> Supervisor::flush_logs(std::string_view app, Which which) {
    return impl_->flush_logs(app, which);
}
void Supervisor::reopen_logs() {
    impl_->reopen_logs();
}
void Supervisor::reap_orphans() {
    impl_->reap_orphans();
}
bool Supervisor::is_at_rest() const {
    return impl_->is_at_rest();
}
std::vector<std::string> Supervisor::apps() const {
    return impl_->fleet().apps();
}
const App* Supervisor::find(std::string_view app) const {
    return impl_->fleet().find(app);
}
std::vector<InstanceView> Supervisor::instances() const {
    return impl_->instances();
}
std::vector<Event> Supervisor::events_after(std::uint64_t number) const {
    return impl_->events_after(number);
}
std::vector<OutputLine> Supervisor::latest_lines(const InstanceId& id) const {
    return impl_->latest_lines(id);
}
void Supervisor::on_event(std::function<void(const Event&)> listener) {
    impl_->on_event(std::move(listener));
}
void Supervisor::on_line(std::function<void(const OutputLine&)> listener) {
    impl_->on_line(std::move(listener));
}

Supervisor::Impl::Impl(Options options)
    : options_(std::move(options)),
      targets_(options_.logs),
      own_files_(options_.own_places),
      triggers_(
          {.loop = options_.loop,
           .next_cron = options_.next_cron,
           .is_own = [this](
                         const std::string& path, bool is_folder, const auto& watched
                     ) { return own_files_.has(path, is_folder, watched); },
           .moment_came =
               [this](const std::string& app) {
                   // Removed meanwhile, perhaps, which is as good.
                   [[maybe_unused]] const auto done = restart(app, "restart_cron", {});
               },
           .file_changed =
               [this](const std::string& app, const std::string& path) {
                   publish({.kind = Event::Kind::watch, .id = {.app = app}, .cause = path});
                   [[maybe_unused]] const auto done = restart(app, "watch: " + path, {});
               }}
      ),
      cgroups_(options_.uses_cgroups ? Cgroups::find() : std::nullopt),
      random_(std::random_device{}()) {
    measure_timer_ = options_.loop.call_at(now() + options_.measure_period, [this] { measure(); });
}

Supervisor::Impl::~Impl() {
    for (const auto timer : {later_timer_, fleet_timer_, measure_timer_, lost_timer_})
        options_.loop.cancel(timer);
    bool has_strays = false;
    for (const auto& [id, process] : running_) {
        has_strays = has_strays || process->has_keeper_ended();
        process->kill();
    }
    running_.clear();
    retired_.clear();
    if (has_strays) kill_strays();
}

Result<> Supervisor::Impl::put(std::vector<App> apps) {
    for (const App& app : apps) {
        if (auto good = triggers_.check(app); !good) return good;
    }
    std::vector<std::string> names;
    for (const App& app : apps)
        names.push_back(app.name);
    if (auto done = fleet_.put(std::move(apps)); !done) return done;
    for (const std::string& name : names) {
        removing_.erase(name);
        const App& app = *fleet_.find(name);
        for (std::uint32_t number = 0; number < app.instances; ++number)
            record({name, number});
        own_files_.put(app);
        triggers_.wait_for_cron(app);
        triggers_.unwatch_files(name);
        for (const auto& [id, process] : running_) {
            if (id.app == name) triggers_.watch_files(app);
        }
    }
    settle();
    return {};
}

Result<> Supervisor::Impl::start(std::string_view app, std::string_view cause, Which which) {
    if (auto done = fleet_.start(app, now(), cause, which); !done) return done;
    triggers_.wait_for_cron(*fleet_.find(app));
    settle();
    return {};
}

Result<> Supervisor::Impl::stop(std::string_view app, std::string_view cause, Which which) {
    if (auto done = fleet_.stop(app, now(), cause, which); !done) return done;
    // A change starts an app again.
    if (!fleet_.is_wanted(app)) triggers_.unwatch_files(app);
    settle();
    return {};
}

Result<> Supervisor::Impl::restart(std::string_view app, std::string_view cause, Which which) {
    if (auto done = fleet_.restart(app, now(), cause, which); !done) return done;
    triggers_.wait_for_cron(*fleet_.find(app));
    settle();
    return {};
}

Result<> Supervisor::Impl::reload(std::string_view app, Which which) {
    if (auto done = fleet_.reload(app, now(), which); !done) return done;
    triggers_.wait_for_cron(*fleet_.find(app));
    settle();
    return {};
}

Result<> Supervisor::Impl::scale(std::string_view app, std::uint32_t instances) {
    const auto load = [this](const InstanceId& id) {
        const auto found = running_.find(id);
        return found == running_.end() ? 0 : found->second->meter().cpu_share();
    };
    if (auto done = fleet_.scale(app, instances, now(), load); !done) return done;
    settle();
    return {};
}

Result<> Supervisor::Impl::remove(std::string_view app, Which which) {
    const std::string name(app);
    if (auto done = fleet_.remove(app, now(), which); !done) return done;
    if (fleet_.find(name) == nullptr || fleet_.is_removing(name)) {
        triggers_.stop(name);
        removing_.insert(name);
    } else if (!fleet_.is_wanted(name)) {
        triggers_.unwatch_files(name);
    }
    settle();
    return {};
}

Result<> Supervisor::Impl::reset(std::string_view app, Which which) {
    return fleet_.reset(app, which);
}

void Supervisor::Impl::stop_all(std::string_view cause) {
    triggers_.stop_all();
    fleet_.stop_all(now(), cause);
    settle();
}

Result<> Supervisor::Impl::signal(std::string_view app, int signal, Which which) {
    if (fleet_.find(app) == nullptr) {
        return fail(Errc::not_found, "there is no app " + std::string(app));
    }
    if (signal < 1 || signal > SIGRTMAX) {
        return fail(
            Errc::invalid_argument,
            "there is no signal " + std::to_string(signal) + ", they go from 1 to " +
                std::to_string(SIGRTMAX)
        );
    }
    for (const auto& [id, process] : running_) {
        if (covers(app, which, id)) process->signal_leader(signal);
    }
    return {};
}

Result<> Supervisor::Impl::flush_logs(std::string_view app, Which which) {
    const App* const one = fleet_.find(app);
    if (one == nullptr) return fail(Errc::not_found, "there is no app " + std::string(app));
    std::set<LogWriter::TargetPtr> targets;
    for (const auto& [id, record] : records_) {
        if (!covers(app, which, id)) continue;
        for (const InstanceLogs& logs : {record.logs, targets_.open(*one, id.number)}) {
            for (const auto& target : logs.all())
                targets.insert(target);
        }
    }
    for (const auto& target : targets)
        options_.logs.flush(target);
    return {};
}

void Supervisor::Impl::reap_orphans() {
    supervise::reap_strays();
}

double Supervisor::Impl::chance() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace tranter::supervise
