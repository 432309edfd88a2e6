#pragma once

#include "worker/board.hpp"
#include "worker/leases.hpp"
#include "worker/queue_watch.hpp"
#include "worker/runner.hpp"
#include "worker/settler.hpp"
#include "worker/store_watch.hpp"
#include "worker/tally.hpp"
#include "worker/task.hpp"

#include <tranter/provider.hpp>
#include <tranter/registry.hpp>
#include <tranter/worker.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace tranter::worker {

/// One run of a worker, from its first job to its last. The threads:
///
///     receivers, one for each queue ──> board ──> executors ──> settler ──> store
///                                         │ overdue: one that watches timeouts
///     store <── keeper: renews the leases of everything between receiver and settler
///     store <── reporter: what handlers say while they run
///               lease watch: stops what has lost its lease, whatever the others wait for
class Session {
  public:
    /// All of them outlive it. The options are complete.
    Session(
        Provider& provider, const Registry& handlers, const WorkerOptions& options, Tally& tally
    );

    /// Until `stop`, and everything that was begun has ended.
    void run(const std::stop_token& stop);

    Board::Load load() const { return board_.load(); }
    bool is_receiving() const { return silent_queues_ == 0; }
    bool is_stuck() const;
    StoreWatch::State store() const { return store_watch_.state(); }
    std::vector<std::string> missing_queues() const { return queue_watch_.all_missing(); }
    std::vector<std::shared_ptr<Task>> running() const { return board_.running(); }
    /// For tests.
    Places::Held held() const { return board_.held(); }

  private:
    void start_threads();
    void end_threads();
    void wait_for_receivers();
    void receive(std::size_t queue, const std::stop_token& stop);
    Result<std::vector<ReceivedJob>> ask(
        std::size_t queue, Grant grant, bool may_wait, const std::stop_token& stop
    );
    /// Which it says once.
    bool is_missing(const std::string& queue);
    void take_in(std::size_t queue, std::vector<ReceivedJob> jobs);
    void execute(std::size_t slot);
    void watch(const std::stop_token& stop);
    void time_out(Task& task);
    void tell_outcome(std::shared_ptr<Task> task);
    void tell_though_it_runs(std::shared_ptr<Task> task);
    void give_back(std::shared_ptr<Task> task);
    void put_off(Board::PutOff one);
    void stop_running();

    Provider& provider_;
    const Registry& handlers_;
    const WorkerOptions& options_;
    Tally& tally_;
    StoreWatch store_watch_;
    QueueWatch queue_watch_;
    Leases leases_;
    Board board_;
    Settler settler_;
    Runner runner_;
    Task::Surroundings surroundings_;
    std::atomic<int> silent_queues_ = 0;
    std::mutex receivers_mutex_;
    std::condition_variable receiver_ended_;
    std::size_t receivers_left_ = 0;                 // guarded by receivers_mutex_
    std::vector<std::atomic<Moment>> asking_since_;  // for each queue; {}: not asking

    std::vector<std::jthread> executors_;
    std::jthread keeper_;
    std::jthread reporter_;
    std::jthread lease_watch_;
    std::jthread settling_;
    std::jthread watcher_;
    std::vector<std::jthread> receivers_;
};

}  // namespace tranter::worker
