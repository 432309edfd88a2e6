#include "supervise/file_work.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::supervise {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

/// How often it is looked at the end whether somebody hangs.
constexpr auto end_period = std::chrono::milliseconds(20);

}  // namespace

class FileWork::Lane {
  public:
    explicit Lane(std::string what) : name(std::move(what)) {}

    const std::string name;
    // Guarded by the mutex of the state:
    std::deque<Work> waiting{};
    std::optional<SteadyTime> since{};  // its work is being done
};

struct FileWork::Worker {
    std::thread thread{};
    // Guarded by the mutex of the state:
    LanePtr lane{};
    bool is_relieved = false;  // ends when its work does
    bool has_ended = false;
};

struct FileWork::State : std::enable_shared_from_this<FileWork::State> {
    explicit State(Options given) : options(given) {}

    const Options options;
    std::stop_source stop{};
    std::mutex mutex{};
    std::condition_variable changed{};
    std::condition_variable done{};
    // Guarded by mutex:
    std::deque<LanePtr> ready{};  // have work, and nobody does it
    std::list<Worker> workers{};  // one at most is not relieved
    std::map<std::string, std::weak_ptr<Lane>> named{};
    bool is_ending = false;
    bool is_over = false;

    bool is_idle() const {
        return ready.empty() &&
               std::ranges::none_of(workers, [](const Worker& one) { return one.lane != nullptr; });
    }

    void add(const LanePtr& lane, Work work) {
        lane->waiting.push_back(std::move(work));
        if (!lane->since && lane->waiting.size() == 1) ready.push_back(lane);
    }

    /// False when it is too late, and then it was not taken.
    bool post(const LanePtr& lane, Work work) {
        const std::lock_guard lock(mutex);
        if (is_over) return false;
        add(lane, std::move(work));
        relieve(options.patience);
        changed.notify_all();
        return true;
    }

    /// Another thread for those that wait, when that of all hangs.
    void relieve(Duration patience) {
        std::erase_if(workers, [](Worker& one) {
            if (one.has_ended) one.thread.join();
            return one.has_ended;
        });
        if (ready.empty()) return;
        const auto now = std::chrono::steady_clock::now();
        for (Worker& one : workers) {
            if (one.is_relieved) continue;
            if (!one.lane || !one.lane->since || now - *one.lane->since < patience) return;
        }
        if (workers.size() >= options.threads_max) return;
        Worker& next = workers.emplace_back();
        try {
            next.thread = std::thread([self = shared_from_this(), &next] { run(self, next); });
        } catch (const std::system_error&) {
            // There are no threads left: whoever calls next tries again.
            workers.pop_back();
            return;
        }
        for (Worker& one : workers)
            one.is_relieved = &one != &next;
    }
};

void FileWork::run(const std::shared_ptr<State>& state, Worker& worker) {
    const std::stop_token stop = state->stop.get_token();
    std::unique_lock lock(state->mutex);
    while (!worker.is_relieved && !state->is_over) {
        if (state->ready.empty()) {
            if (state->is_ending) break;
            state->changed.wait(lock);
            continue;
        }
        const LanePtr lane = std::move(state->ready.front());
        state->ready.pop_front();
        {
            Work work = std::move(lane->waiting.front());
            lane->waiting.pop_front();
            lane->since = std::chrono::steady_clock::now();
            worker.lane = lane;
            lock.unlock();
            work(stop);
        }
        lock.lock();
        lane->since.reset();
        // At the end it was left to itself, and the worker is no more.
        if (state->is_over) return;
        worker.lane.reset();
        if (!lane->waiting.empty()) state->ready.push_back(lane);
        // Not for us any more, if we were relieved.
        state->changed.notify_all();
        state->done.notify_all();
    }
    if (!state->is_over) worker.has_ended = true;
}

FileWork::FileWork(Options options) : state_(std::make_shared<State>(options)) {}

FileWork::~FileWork() {
    std::list<Worker> workers;
    std::vector<LanePtr> lanes;
    // Outlives the lock: it may own anything.
    std::vector<std::deque<Work>> never_done;
    {
        std::unique_lock lock(state_->mutex);
        state_->is_ending = true;
        state_->changed.notify_all();
        lock.unlock();
        state_->stop.request_stop();
        lock.lock();
        const auto limit = std::chrono::steady_clock::now() + state_->options.end_patience;
        while (!state_->is_idle() && std::chrono::steady_clock::now() < limit) {
            state_->relieve(state_->options.patience);
            state_->done.wait_for(lock, end_period);
        }
        state_->is_over = true;
        state_->changed.notify_all();
        workers.swap(state_->workers);
        for (const Worker& one : workers)
            if (one.lane) lanes.push_back(one.lane);
        for (const LanePtr& lane : std::exchange(state_->ready, {}))
            lanes.push_back(lane);
        for (const LanePtr& lane : lanes)
            never_done.push_back(std::exchange(lane->waiting, {}));
    }
    for (Worker& one : workers) {
        if (one.lane) {
            one.thread.detach();
        } else {
            one.thread.join();
        }
    }
    for (const LanePtr& lane : lanes) {
        log_warn(
            "supervise", "a file is given up, the system does not answer", {{"path", lane->name}}
        );
    }
}

FileWork::LanePtr FileWork::make_lane(std::string name) {
    return std::make_shared<Lane>(std::move(name));
}

FileWork::LanePtr FileWork::lane_of(const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    std::erase_if(state_->named, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<Lane>& known = state_->named[name];
    LanePtr lane = known.lock();
    if (!lane) {
        lane = make_lane(name);
        known = lane;
    }
    return lane;
}

void FileWork::post(const LanePtr& lane, Work work) {
    state_->post(lane, std::move(work));
}

std::function<bool(const FileWork::LanePtr& lane, FileWork::Work work)> FileWork::poster() const {
    return [weak = std::weak_ptr(state_)](const LanePtr& lane, Work work) {
        const auto state = weak.lock();
        return state && state->post(lane, std::move(work));
    };
}

bool FileWork::post_and_wait(const LanePtr& lane, Work work, Duration limit) {
    // Shared with the work, which may be done long after nobody waits for it any more.
    const auto done = std::make_shared<std::promise<void>>();
    const auto is_done = done->get_future();
    bool hangs = false;
    {
        const std::lock_guard lock(state_->mutex);
        hangs = lane->since && std::chrono::steady_clock::now() - *lane->since > limit;
        state_->add(lane, [work = std::move(work), done](const std::stop_token& stop) {
            work(stop);
            done->set_value();
        });
        // What the thread does just now may be about to take a while.
        state_->relieve(Duration{});
        state_->changed.notify_all();
    }
    return !hangs && is_done.wait_for(limit) == std::future_status::ready;
}

void FileWork::look() {
    const std::lock_guard lock(state_->mutex);
    state_->relieve(state_->options.patience);
}

void FileWork::wait_until_done() {
    std::unique_lock lock(state_->mutex);
    state_->done.wait(lock, [this] { return state_->is_idle(); });
}

std::size_t FileWork::threads() const {
    const std::lock_guard lock(state_->mutex);
    return static_cast<std::size_t>(std::ranges::count(state_->workers, false, &Worker::has_ended));
}

}  // namespace tranter::supervise
