#pragma once

#include "base/error.hpp"
#include "supervise/app.hpp"
#include "supervise/cgroup.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/fleet.hpp"
#include "supervise/instance.hpp"
#include "supervise/instance_logs.hpp"
#include "supervise/keeper.hpp"
#include "supervise/measuring.hpp"
#include "supervise/output_reader.hpp"
#include "supervise/probing.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// One life of an instance, from its start until no process of it is left: its keeper, what it
/// prints, and whether it is well. Everything happens on the thread of the loop. Not thread-safe.
class RunningProcess {
  public:
    /// None may destroy the process at once: it is in the middle of something.
    class Listener {
      public:
        virtual ~Listener() = default;
        /// Before all_gone everything that was printed has been. After `lost` finish() is waited
        /// for.
        virtual void reported(RunningProcess& process, const Keeper::Report& report) = 0;
        /// Whole lines as they stand in the log, each with its newline.
        virtual void printed(const InstanceId& id, bool is_errors, std::string_view lines) = 0;
        virtual void became_ready(const InstanceId& id) = 0;
        virtual void failed_probe(const InstanceId& id, std::string_view why) = 0;
        virtual void said_status(const InstanceId& id, std::string_view status) = 0;
        virtual void asked_for_time(const InstanceId& id, Duration more) = 0;
        /// Nothing follows, so now it may go.
        virtual void keeper_ended(RunningProcess& process) = 0;
    };
    struct Options {
        EventLoop& loop;
        LogWriter& writer;
        std::shared_ptr<const App> app{};  // shared with the instance
        InstanceId id{};
        std::uint32_t number = 0;  // that it is told, see Fleet::own_number()
        std::uint32_t key = 0;
        InstanceLogs logs{};
        std::string runtime_directory{};
        std::uint64_t open_files = 0;  // see Supervisor::Options
        std::optional<Cgroups>* cgroups = nullptr;
    };

    /// Errors are those of a start that may be tried again: `unavailable` when there are no
    /// processes or descriptors left.
    [[nodiscard]] static Result<std::unique_ptr<RunningProcess>> start(
        Options options, Listener& listener
    );
    /// Kills what is left.
    ~RunningProcess();
    RunningProcess(const RunningProcess&) = delete;
    RunningProcess& operator=(const RunningProcess&) = delete;

    const InstanceId& id() const { return id_; }
    const App& app() const { return *options_.app; }
    pid_t leader() const { return leader_; }  // 0: it has not come yet, or has ended
    bool was_spawned() const { return was_spawned_; }
    /// Then what it has kept is somebody else's, which it is not yet when `lost` is reported.
    bool has_keeper_ended() const;
    Meter& meter() { return *meter_; }
    const Meter& meter() const { return *meter_; }
    /// Processes of it that the kernel has killed for its limit of memory.
    std::uint64_t oom_kills() const {
        return leaf_ && app().limits.memory_bytes > 0 ? leaf_->oom_kills() : 0;
    }

    /// Others call it by this number from now on.
    void move(std::uint32_t number);
    /// All kinds but spawn.
    void follow(const Action& action);
    void signal_leader(int signal) { keeper_->tell(Keeper::Order::signal_leader, signal); }
    /// So that several end at the same time, before they are destroyed.
    void kill() { keeper_->tell(Keeper::Order::kill_all); }
    /// Nothing of it is left: takes the last of what it has printed.
    void finish();

  private:
    RunningProcess(Options options, Listener& listener);
    Result<> launch();
    Result<process::SpawnOptions> describe() const;
    Result<> make_probing();
    void make_leaf(process::SpawnOptions& program);
    void read_output(std::unique_ptr<OutputReader>& reader, Descriptor pipe, bool is_errors);
    void take_reports();
    void take(const Keeper::Report& report);
    void kill_all();
    void write_pid_file();
    void remove_pid_file();
    void do_with_pid_file(FileWork::Work work);

    const Options options_;
    InstanceId id_;
    Listener& listener_;
    std::unique_ptr<Cgroups::Leaf> leaf_{};  // null: there are none here
    std::unique_ptr<Probing> probing_{};
    std::optional<Keeper> keeper_{};  // always, once it is started
    std::optional<Meter> meter_{};
    FileWork::LanePtr pid_lane_{};  // null: there is no pid file
    std::string pid_path_{};
    std::unique_ptr<OutputReader> output_{};
    std::unique_ptr<OutputReader> errors_{};
    pid_t leader_ = 0;
    bool was_spawned_ = false;
    bool is_over_ = false;  // the keeper has said its last
    bool is_watched_ = false;
};

}  // namespace tranter::supervise
