#pragma once

#include "base/time.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace tranter::supervise {

/// Does work with files, which may take any time or not return at all (a network that is gone, a
/// pipe that nobody reads), so that neither whoever wants it nor the files of others wait.
///
/// The work of one lane is done in order, one after the other. There is one thread for all lanes,
/// which comes with the first work. When a piece of work takes longer than `patience`, another
/// thread takes over the other lanes, and this one ends when its work does: as many threads as
/// there are lanes that hang, and one more.
///
/// At the end nothing is waited for any longer than `end_patience`: a process cannot take back a
/// call that hangs in the kernel. Such a thread is left to itself (the only detached ones there
/// are), which is why work may refer to nothing but what it owns or shares. Thread-safe.
class FileWork {
  public:
    struct Options {
        Duration patience = std::chrono::seconds(1);
        Duration end_patience = std::chrono::seconds(3);
        /// More lanes that hang hold up all others.
        std::size_t threads_max = 64;
    };
    class Lane;
    using LanePtr = std::shared_ptr<Lane>;  // of whoever gives it work, and of what waits
    /// Told when it has to hurry, at the end.
    using Work = std::function<void(const std::stop_token& stop)>;

    FileWork() : FileWork(Options{}) {}
    explicit FileWork(Options options);
    /// Does what waits, as far as time allows; what does not get done is logged.
    ~FileWork();
    FileWork(const FileWork&) = delete;
    FileWork& operator=(const FileWork&) = delete;

    /// The name is for the log.
    LanePtr make_lane(std::string name);
    /// The one of that name which somebody has, or whose work is not done yet; else a new one. So
    /// whoever comes again and again for a file that hangs takes up one thread only.
    LanePtr lane_of(const std::string& name);
    void post(const LanePtr& lane, Work work);
    /// The same for whoever may be there longer than we: false at our end, when nothing is done any
    /// more.
    std::function<bool(const LanePtr& lane, Work work)> poster() const;
    /// The same, and waits until it is done, `limit` at the most and not at all for a lane that
    /// hangs. Whether it is done.
    bool post_and_wait(const LanePtr& lane, Work work, Duration limit);
    /// To be called now and then: looks whether work takes too long, which post() does as well.
    void look();
    /// Blocks until nothing waits any more. For tests.
    void wait_until_done();
    /// Threads that there are now. For tests.
    std::size_t threads() const;

  private:
    struct State;
    struct Worker;
    static void run(const std::shared_ptr<State>& state, Worker& worker);

    const std::shared_ptr<State> state_;  // with threads that are left to themselves
};

}  // namespace tranter::supervise
