#pragma once

#include "supervise/latest.hpp"
#include "supervise/own_files.hpp"
#include "supervise/restart_triggers.hpp"
#include "supervise/running_process.hpp"
#include "supervise/supervisor.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// For supervisor.cpp and its parts.
namespace tranter::supervise {

class Supervisor::Impl final : public RunningProcess::Listener {
  public:
    explicit Impl(Options options);
    ~Impl() override;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    // supervisor.cpp: what people want.

    Result<> put(std::vector<App> apps);
    Result<> start(std::string_view app, std::string_view cause, Which which);
    Result<> stop(std::string_view app, std::string_view cause, Which which);
    Result<> restart(std::string_view app, std::string_view cause, Which which);
    Result<> reload(std::string_view app, Which which);
    Result<> scale(std::string_view app, std::uint32_t instances);
    Result<> remove(std::string_view app, Which which);
    Result<> reset(std::string_view app, Which which);
    void stop_all(std::string_view cause);
    Result<> signal(std::string_view app, int signal, Which which);
    Result<> flush_logs(std::string_view app, Which which);
    void reopen_logs() { options_.logs.reopen(); }
    void reap_orphans();

    // supervisor_views.cpp: what there is.

    const Fleet& fleet() const { return fleet_; }
    bool is_at_rest() const { return fleet_.is_at_rest() && !triggers_.is_waiting(); }
    std::vector<InstanceView> instances() const;
    std::vector<Event> events_after(std::uint64_t number) const { return events_.after(number); }
    std::vector<OutputLine> latest_lines(const InstanceId& id) const;
    void on_event(std::function<void(const Event&)> listener);
    void on_line(std::function<void(const OutputLine&)> listener);

  private:
    /// What is known of an instance, whether it runs or not.
    struct Record {
        std::uint32_t key = 0;
        LineRing lines{};
        InstanceLogs logs{};
        std::uint64_t log_bytes = 0;
        std::string cause{};   // of the latest change that had one
        std::string status{};  // that it has told itself
    };
    using Running = std::map<InstanceId, std::unique_ptr<RunningProcess>>;

    // supervisor_run.cpp: what happens to processes.

    void reported(RunningProcess& process, const Keeper::Report& report) override;
    void printed(const InstanceId& id, bool is_errors, std::string_view lines) override;
    void became_ready(const InstanceId& id) override;
    void failed_probe(const InstanceId& id, std::string_view why) override;
    void said_status(const InstanceId& id, std::string_view status) override;
    void asked_for_time(const InstanceId& id, Duration more) override;
    void keeper_ended(RunningProcess& process) override;

    void settle();
    void follow(const Fleet::InstanceAction& wanted);
    void spawn(const InstanceId& id);
    void move(const InstanceId& id, std::uint32_t number);
    void retire(const InstanceId& id);
    void lose(RunningProcess& process);
    void clear_lost();
    void measure();
    void measure_some();
    void check_memory(const RunningProcess& process);
    void call_later(EventLoop::Call call);
    void plan();

    // supervisor_views.cpp

    void publish(Event event);
    void publish(Fleet::InstanceChange change);
    bool tell_removed();
    Record& record(const InstanceId& id);
    InstanceView view(const InstanceId& id, const App& app) const;
    std::string note(const InstanceId& id, const Instance& instance) const;

    Instant now() const { return options_.loop.now(); }
    double chance();

    const Options options_;
    Fleet fleet_{};
    LogTargets targets_;
    OwnFiles own_files_;
    RestartTriggers triggers_;
    std::optional<Cgroups> cgroups_;
    std::map<InstanceId, Record> records_{};
    std::map<InstanceId, std::uint32_t> keys_{};
    EventRing events_{};
    std::vector<std::function<void(const Event&)>> event_listeners_{};
    std::vector<std::function<void(const OutputLine&)>> line_listeners_{};
    std::set<std::string, std::less<>> removing_{};
    std::minstd_rand random_;

    Running running_{};
    /// Nothing is left of them, and their keepers are about to end.
    std::vector<std::unique_ptr<RunningProcess>> retired_{};
    /// Of those that run: their keepers were killed, and what these had kept is still there.
    std::set<InstanceId> lost_{};
    std::vector<InstanceId> to_measure_{};

    bool is_settling_ = false;
    std::vector<EventLoop::Call> later_{};
    EventLoop::TimerId later_timer_ = EventLoop::TimerId::none;
    EventLoop::TimerId fleet_timer_ = EventLoop::TimerId::none;
    EventLoop::TimerId measure_timer_ = EventLoop::TimerId::none;
    EventLoop::TimerId lost_timer_ = EventLoop::TimerId::none;
};

}  // namespace tranter::supervise
